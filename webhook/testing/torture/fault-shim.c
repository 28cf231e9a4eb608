/*
 * LD_PRELOAD shim: lets the disk fail, for files whose path has ".db". The mode is the content of the file that
 * KUBEBLAME_FAULT names, read at every call, so that a test switches it while the server runs:
 *   eio    writes and syncs fail with EIO
 *   full   writes fail with ENOSPC
 *   sync   syncs fail with EIO, writes do not
 *   torn   the next write does not reach the disk to its end, and then the process is killed
 *   slow   each sync takes 150 ms longer
 * Where KUBEBLAME_SYNCS names a file, the path of every file and folder that is synced is appended to it, a line each.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static int is_ledger(int fd) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return strstr(path, ".db") != NULL && strstr(path, ".db.") == NULL;
}

static const char *mode(int fd, char *text, size_t size) {
  const char *name = getenv("KUBEBLAME_FAULT");
  text[0] = 0;
  if (name == NULL || !is_ledger(fd)) return text;
  int file = open(name, O_RDONLY);
  if (file < 0) return text;
  ssize_t length = read(file, text, size - 1);
  close(file);
  text[length < 0 ? 0 : length] = 0;
  return text;
}

/* What is written to a file that is open for synchronized writes is synced as well. */
static int sync_fails(int fd, const char *text) {
  int flags = fcntl(fd, F_GETFL);
  if (flags < 0 || (flags & O_DSYNC) == 0) return 0;
  if (strcmp(text, "slow") == 0) usleep(150000);
  return strcmp(text, "sync") == 0;
}

static ssize_t write_at(const char *symbol, int fd, const void *data, size_t count, off_t at) {
  ssize_t (*real)(int, const void *, size_t, off_t) = dlsym(RTLD_NEXT, symbol);
  char text[16];
  mode(fd, text, sizeof text);
  if (strcmp(text, "eio") == 0) { errno = EIO; return -1; }
  if (strcmp(text, "full") == 0) { errno = ENOSPC; return -1; }
  if (strcmp(text, "torn") == 0) {
    real(fd, data, count / 2, at);
    kill(getpid(), SIGKILL);
  }
  ssize_t written = real(fd, data, count, at);
  if (sync_fails(fd, text)) { errno = EIO; return -1; }
  return written;
}

ssize_t pwrite(int fd, const void *data, size_t count, off_t at) { return write_at("pwrite", fd, data, count, at); }
ssize_t pwrite64(int fd, const void *data, size_t count, off_t at) { return write_at("pwrite64", fd, data, count, at); }

static ssize_t write_all_at(const char *symbol, int fd, const struct iovec *parts, int count, off_t at) {
  ssize_t (*real)(int, const struct iovec *, int, off_t) = dlsym(RTLD_NEXT, symbol);
  char text[16];
  mode(fd, text, sizeof text);
  if (strcmp(text, "eio") == 0) { errno = EIO; return -1; }
  if (strcmp(text, "full") == 0) { errno = ENOSPC; return -1; }
  if (strcmp(text, "torn") == 0) {
    struct iovec half = { parts[count - 1].iov_base, parts[count - 1].iov_len / 2 };
    off_t before = 0;
    for (int n = 0; n < count - 1; n++) before += parts[n].iov_len;
    if (count > 1) real(fd, parts, count - 1, at);
    real(fd, &half, 1, at + before);
    kill(getpid(), SIGKILL);
  }
  ssize_t written = real(fd, parts, count, at);
  if (sync_fails(fd, text)) { errno = EIO; return -1; }
  return written;
}

ssize_t pwritev(int fd, const struct iovec *p, int n, off_t at) { return write_all_at("pwritev", fd, p, n, at); }
ssize_t pwritev64(int fd, const struct iovec *p, int n, off_t at) { return write_all_at("pwritev64", fd, p, n, at); }

static void note_sync(int fd) {
  const char *name = getenv("KUBEBLAME_SYNCS");
  if (name == NULL) return;
  char link[64], path[4097];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return;
  path[length] = '\n';
  int file = open(name, O_WRONLY | O_CREAT | O_APPEND, 0600);
  if (file < 0) return;
  if (write(file, path, length + 1) < 0) { /* a line less: the test tells */ }
  close(file);
}

static int sync_file(const char *symbol, int fd) {
  note_sync(fd);
  int (*real)(int) = dlsym(RTLD_NEXT, symbol);
  char text[16];
  mode(fd, text, sizeof text);
  if (strcmp(text, "eio") == 0 || strcmp(text, "sync") == 0) { errno = EIO; return -1; }
  if (strcmp(text, "slow") == 0) usleep(150000);
  return real(fd);
}

int fsync(int fd) { return sync_file("fsync", fd); }
int fdatasync(int fd) { return sync_file("fdatasync", fd); }
