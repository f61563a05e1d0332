/** The folder that the process was started in, for whom it need not be there any more. */

/** `/` where it has been deleted (getcwd(3), ENOENT): that is no reason to do nothing. */
export function currentFolder(): string {
  try {
    return process.cwd();
  } catch {
    return '/';
  }
}
