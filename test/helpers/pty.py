"""Runs a program on a terminal of its own, for test/helpers/pty.ts: answers what it shows, and looks whether the terminal is
afterwards as it was. The request is JSON on standard input, the answer JSON on standard output."""
import fcntl
import json
import os
import select
import signal
import struct
import sys
import termios
import time

request = json.load(sys.stdin)
master, slave = os.openpty()
fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack('HHHH', 24, request['columns'], 0, 0))
before = termios.tcgetattr(slave)

child = os.fork()
if child == 0:
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    for descriptor in (0, 1, 2):
        os.dup2(slave, descriptor)
    if request['stdout'] is not None:
        os.dup2(os.open(request['stdout'], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666), 1)
    os.closerange(3, 256)
    os.chdir(request['cwd'])
    os.execvpe(request['argv'][0], request['argv'], request['env'])

ended = os.pidfd_open(child)
shown = b''
seen = 0
steps = list(request['steps'])
deadline = time.monotonic() + 30
late = False
while True:
    while master is not None and steps and steps[0]['until'].encode() in shown[seen:]:
        step = steps.pop(0)
        seen = shown.index(step['until'].encode(), seen) + len(step['until'].encode())
        if step.get('signal'):
            os.kill(child, getattr(signal, step['signal']))
        if step.get('send'):
            os.write(master, step['send'].encode())
        if step.get('hangUp'):
            os.close(master)
            master = None
    ready, _, _ = select.select([end for end in (master, ended) if end is not None], [], [], max(0, deadline - time.monotonic()))
    if master in ready:
        shown += os.read(master, 65536)
    elif ended in ready:
        break
    else:
        late = True
        os.kill(child, signal.SIGKILL)
        break

_, status = os.waitpid(child, 0)
json.dump({
    'status': os.WEXITSTATUS(status) if os.WIFEXITED(status) else None,
    'signal': signal.Signals(os.WTERMSIG(status)).name if os.WIFSIGNALED(status) else None,
    'shown': shown.decode(errors='replace'),
    'restored': master is not None and termios.tcgetattr(slave) == before,
    'unseen': [step['until'] for step in steps],
    'late': late,
}, sys.stdout)
