#define _GNU_SOURCE
#include "library.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

struct library hca;

/*
 * fresh gives a copy of the library under another name: after a fork the
 * parent's is in memory without its threads, and only a copy starts anew.
 */
static int fresh(const char *path, char *copy, size_t size)
{
	int in = open(path, O_RDONLY | O_CLOEXEC), out = memfd_create("vhca", MFD_CLOEXEC);
	struct stat st;
	if (in < 0 || out < 0 || fstat(in, &st) || sendfile(out, in, NULL, (size_t)st.st_size) != st.st_size)
		return errno ? errno : EIO;
	close(in);
	snprintf(copy, size, "/proc/self/fd/%d", out);
	return 0;
}

int library_load(bool again)
{
	const char *path = getenv("SGFUZZ_VHCA_ENGINE");
	char copy[64];
	if (!path) {
		fprintf(stderr, "vhca: SGFUZZ_VHCA_ENGINE does not name the engine's library; start programs by sgfuzz vhca\n");
		return ENOENT;
	}
	if (again && fresh(path, copy, sizeof(copy)) == 0)
		path = copy;
	void *lib = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!lib) {
		fprintf(stderr, "vhca: %s\n", dlerror());
		return ENOENT;
	}
	hca.open = dlsym(lib, "hca_open");
	hca.call = dlsym(lib, "hca_call");
	hca.ring = dlsym(lib, "hca_ring");
	hca.arm = dlsym(lib, "hca_arm");
	hca.tick = dlsym(lib, "hca_tick");
	hca.fd = dlsym(lib, "hca_fd");
	if (hca.open && hca.call && hca.ring && hca.arm && hca.tick && hca.fd)
		return 0;
	fprintf(stderr, "vhca: %s is not the engine's library\n", path);
	return ENOENT;
}
