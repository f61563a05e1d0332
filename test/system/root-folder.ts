/**
 * Root folders of Debian releases, as debootstrap makes them: made once, kept as a tarball in the user's cache, unpacked
 * for each use. And what this machine lacks for that.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export type Suite = 'bookworm' | 'trixie';

export const RELEASES: Readonly<Record<Suite, { readonly name: string; readonly libc: number }>> = {
  bookworm: { name: 'Debian 12, systemd 252', libc: 2.36 },
  trixie: { name: 'Debian 13, systemd 257', libc: 2.41 },
};

/** What the tests of the daemon need inside; nothing is fetched while they run. */
export const PACKAGES: readonly string[] = [
  ...['systemd', 'systemd-sysv', 'libpam-systemd', 'dbus', 'dbus-user-session'], // a system, and users with a session
  ...['procps', 'ca-certificates', 'needrestart'],
];
export const MIRROR = process.env.FATE_TEST_MIRROR ?? 'http://deb.debian.org/debian';
const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'fate-test');

/** Roots and the tools for them are root's; Debian keeps some of the tools outside a user's PATH. */
export const PATH = `/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`;

/** Null where such a system can be booted here; else why not, and what to do about it. */
export async function whyNot(suite: Suite, ...programs: readonly string[]): Promise<string | null> {
  if (process.getuid?.() !== 0) return 'only root can boot a system in a container: sudo make test-system';
  for (const program of ['debootstrap', 'tar', 'zstd', 'flock', 'nsenter', 'setpriv', ...programs]) {
    const there = PATH.split(':').some((folder) => existsSync(join(folder, program)));
    if (!there) return `there is no ${program} here; sudo make deps-test installs it`;
  }
  const { header } = process.report.getReport() as unknown as { header: { glibcVersionRuntime?: string } };
  const { name, libc } = RELEASES[suite];
  if (Number(header.glibcVersionRuntime) > libc) {
    return `what is built here needs the C library ${header.glibcVersionRuntime} of this machine; ${name}, has ${libc}`;
  }
  const namespaces = ['--mount', '--pid', '--net', '--uts', '--ipc', '--cgroup', '--fork', 'true'];
  return run('unshare', namespaces, { env: { PATH } }).then(
    () => null,
    (error) =>
      `this machine gives root no namespaces of its own (${String(error.stderr).trim()}); try sudo make test-system elsewhere`,
  );
}

/**
 * Unpacks a minimal Debian into a new folder; makes and keeps it first where nobody has yet (about a minute, with network).
 * @throws what debootstrap or tar said
 */
export async function unpackRoot(suite: Suite, folder: string, packages = PACKAGES): Promise<void> {
  mkdirSync(cache, { recursive: true });
  const key = createHash('sha256')
    .update([suite, ...packages].join())
    .digest('hex')
    .slice(0, 12);
  const tarball = join(cache, `${suite}-${key}.tar.zst`);
  const env = { PATH, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive', tarball, suite, folder, mirror: MIRROR };
  const make = `set -e; umask 022
    [ ! -e "$tarball" ] || exit 0
    work=$(mktemp -d /var/tmp/fate-root.XXXXXX); trap 'rm -rf "$work"' EXIT
    debootstrap --variant=minbase --include=${packages.join()} "$suite" "$work/root" "$mirror" >"$work/log" 2>&1 || {
      tail -n 20 "$work/log" >&2; exit 1; }
    rm -rf "$work"/root/var/cache/apt/* "$work"/root/var/lib/apt/lists/* "$work/root/etc/machine-id"
    : >"$work/root/etc/machine-id" # a new one at the first boot
    tar -C "$work/root" --zstd -cf "$tarball.part" .
    mv "$tarball.part" "$tarball"`;
  if (!existsSync(tarball)) {
    console.log(`Making a minimal ${RELEASES[suite].name} for these and later tests: ${tarball}`);
    await run('flock', [`${tarball}.lock`, 'sh', '-c', make], { env });
  }
  mkdirSync(folder, { recursive: true });
  await run('tar', ['-C', folder, '--zstd', '-xpf', tarball], { env });
}
