/*
 * fate-exec: takes the place of the process that the scheduler started for a run, puts it into the context that the task
 * asks for, and becomes the program of the run.
 *
 *   fate-exec [-c DIR] [-m UMASK] [-n NICE] [-G GID,...] [-g GID] [-u UID] [-d DIR] -- FILE ARGV0 [ARGUMENT ...]
 *
 *   -c  the control group to be in (its folder)      -G  the supplementary groups; an empty list for none
 *   -m  the umask, octal                             -g, -u  group and user, as numbers: real, effective and saved
 *   -n  the nice level, absolute                     -d  the folder to be in, entered as that user
 *
 * Descriptors 0 to 4 are the program's. On descriptor 5 it promises the scheduler (execution/report.ts) one line
 * `STEP ERRNO` for what failed, after which it exits with 127; nothing there means that the program runs. Only a control
 * group that cannot be joined is told and no end. The environment is handed on untouched. It needs no more rights than
 * those it is started with, and is never to be installed set-user-ID.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { REPORT = 5, FAILED = 127, USUAL_FILES = 1024, MOST_GROUPS = 65536 /* NGROUPS_MAX, credentials(7) */ };
static const long long HIGHEST_ID = 4294967294; /* the one above is -1, "leave it" (setresuid(2)) */

extern char **environ;

static void tell(const char *step, int error)
{
  char line[64];
  int length = snprintf(line, sizeof line, "%s %d\n", step, error);
  /* A scheduler that is gone reads nothing any more; there is nobody else to tell. */
  if (write(REPORT, line, (size_t)length) < 0) return;
}

static void fail(const char *step)
{
  tell(step, errno);
  _exit(FAILED);
}

static void usage(void)
{
  errno = EINVAL;
  fail("usage");
}

/* A whole number from `least` to `most`, and nothing after it but a byte of `ends`; moves `text` to that byte. */
static long long number(const char **text, int base, long long least, long long most, char ends)
{
  char *end;
  errno = 0;
  long long value = strtoll(*text, &end, base);
  if (errno != 0 || end == *text || (*end != '\0' && *end != ends) || value < least || value > most) usage();
  *text = end;
  return value;
}

static long long whole(const char *text, int base, long long least, long long most)
{
  return number(&text, base, least, most, '\0');
}

static unsigned int id(const char *text)
{
  return (unsigned int)whole(text, 10, 0, HIGHEST_ID);
}

/* Descriptors from REPORT on are closed by execve(2): the scheduler sees the end of file, the program none of them. */
static void close_on_exec(void)
{
  if (fcntl(REPORT, F_SETFD, FD_CLOEXEC) != 0) {
    fprintf(stderr, "fate-exec is a helper of Fate, which hands it descriptor 5; it is of no use by itself\n");
    _exit(FAILED);
  }
#if defined SYS_close_range
  /* Kernels before 5.11 do not know CLOSE_RANGE_CLOEXEC, 4. What is above is none of the scheduler's. */
  syscall(SYS_close_range, (unsigned int)REPORT, ~0U, 4U);
#endif
  /* The descriptor that this program was itself run by. */
  fcntl(REPORT + 1, F_SETFD, FD_CLOEXEC);
}

static void join_control_group(const char *folder)
{
  int dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
  int procs = dir < 0 ? -1 : openat(dir, "cgroup.procs", O_WRONLY | O_CLOEXEC);
  /* cgroups(7): `0` is the writer itself. */
  if (procs < 0 || write(procs, "0", 1) != 1) tell("cgroup", errno);
  if (procs >= 0) close(procs);
  if (dir >= 0) close(dir);
}

/* Node.js raises its own soft limit; programs that use select(2), or close all they could have, expect the usual one. */
static void limit_files(void)
{
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur <= USUAL_FILES) return;
  limit.rlim_cur = USUAL_FILES;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) fail("files");
}

static void take_groups(const char *list)
{
  static gid_t groups[MOST_GROUPS];
  size_t count = 0;
  while (*list != '\0') {
    if (count == MOST_GROUPS) usage();
    groups[count++] = (gid_t)number(&list, 10, 0, HIGHEST_ID, ',');
    if (*list == ',') list++;
  }
  if (setgroups(count, groups) != 0) fail("groups");
}

static void take_user(uid_t uid)
{
  /* Capabilities that the scheduler was given to start other users' tasks (AmbientCapabilities=) are not for those. */
  if (uid != geteuid()) prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  if (setresuid(uid, uid, uid) != 0) fail("uid");
}

/* `command` is FILE ARGV0 ARGUMENT ... NULL, in the array that main was given. */
static void become(char **command)
{
  const char *file = command[0];
  execve(file, command + 1, environ);
  if (errno == ENOEXEC) {
    /* As execvp(3) does with a text file without `#!`: /bin/sh FILE ARGUMENT ... */
    command[1] = command[0];
    command[0] = (char *)"/bin/sh";
    execve(command[0], command, environ);
    errno = ENOEXEC;
  }
  fail("exec");
}

int main(int argc, char **argv)
{
  const char *group = NULL, *mask = NULL, *level = NULL, *groups = NULL, *gid = NULL, *uid = NULL, *folder = NULL;
  int option;

  close_on_exec();
  /* Run by a descriptor, it would be called by its number. */
  prctl(PR_SET_NAME, "fate-exec", 0, 0, 0);
  opterr = 0;
  while ((option = getopt(argc, argv, "+c:m:n:G:g:u:d:")) != -1) {
    switch (option) {
    case 'c': group = optarg; break;
    case 'm': mask = optarg; break;
    case 'n': level = optarg; break;
    case 'G': groups = optarg; break;
    case 'g': gid = optarg; break;
    case 'u': uid = optarg; break;
    case 'd': folder = optarg; break;
    default: usage();
    }
  }
  if (argc - optind < 2 || strcmp(argv[optind - 1], "--") != 0) usage();

  if (group != NULL) join_control_group(group);
  if (mask != NULL) umask((mode_t)whole(mask, 8, 0, 0777));
  if (level != NULL && setpriority(PRIO_PROCESS, 0, (int)whole(level, 10, -20, 19)) != 0) fail("nice");
  limit_files();
  /* In this order: without the user's rights none of the others could be taken any more. */
  if (groups != NULL) take_groups(groups);
  if (gid != NULL) {
    gid_t g = id(gid);
    if (setresgid(g, g, g) != 0) fail("gid");
  }
  if (uid != NULL) take_user(id(uid));
  if (folder != NULL && chdir(folder) != 0) fail("cwd");
  become(argv + optind);
}
