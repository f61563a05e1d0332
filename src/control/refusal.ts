/** Why a request is not answered as it was asked, with the status of HTTP (RFC 9110, 15) that says so. */
import type { ErrorCode } from '../errors.ts';

/** A mistake of the request itself; everything else is a FateError. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: number;
  /** Methods that would do, with 405. */
  readonly allow: string | null;

  constructor(status: number, message: string, allow: string | null = null) {
    super(message);
    this.status = status;
    this.allow = allow;
  }
}

const STATUSES: Partial<Record<ErrorCode, number>> = {
  USAGE: 400,
  NOT_PERMITTED: 403,
  TASK_UNKNOWN: 404,
  RUN_UNKNOWN: 404,
  LOCK_HELD: 409,
  CONF_AMBIGUOUS: 422,
  CONF_SYNTAX: 422,
  CONF_MISSING: 422,
  CONF_UNSAFE: 422,
  CONF_INVALID: 422,
  TEMPORARY: 503,
};

export const statusOf = (code: ErrorCode): number => STATUSES[code] ?? 500;
