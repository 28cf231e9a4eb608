"""Runs a program in a terminal of its own: terminal.py COLUMNS ROWS STEPS PROGRAM...

STEPS is JSON: [[what to wait for, what to type then], ...]; {"signal": "SIGTERM"} is sent to all that run in the terminal. Prints all that the terminal was sent. Ends with the program,
with its exit code; one that takes longer than LIMIT is killed.
"""
import fcntl, json, os, pty, select, signal, struct, sys, termios, time

LIMIT = 30
columns, rows, steps = int(sys.argv[1]), int(sys.argv[2]), json.loads(sys.argv[3])
child, terminal = pty.fork()
if child == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    os.execvp(sys.argv[4], sys.argv[4:])

shown, since = b"", 0
end = time.monotonic() + LIMIT
while time.monotonic() < end:
    if steps and steps[0][0].encode() in shown[since:]:
        since = len(shown)
        then = steps.pop(0)[1]
        if isinstance(then, dict):
            os.killpg(child, getattr(signal, then["signal"]))
        else:
            os.write(terminal, then.encode())
    if not select.select([terminal], [], [], 0.1)[0]:
        continue
    try:
        part = os.read(terminal, 65536)
    except OSError:  # How Linux says that nobody writes to it any more.
        break
    if not part:
        break
    shown += part
else:
    os.kill(child, signal.SIGKILL)
sys.stdout.buffer.write(shown)
sys.stdout.flush()
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) & 0xFF)
