// Package peers builds and drives contestants for benchmarks that are written
// in C: plain loops under two sets of compiler flags, and the libmlx5 that a
// distribution ships.
//
// # Programs
//
// The sources are in the directory c and are part of the binary; Start compiles
// a program into a directory of its own, which is gone when it returns. gcc must be
// there, and for libmlx5 the packages that c/libmlx5.c includes and links.
// Anything missing is an error that wraps ErrMissing and names the package:
// the caller says so and goes on without the contestant.
//
// # libmlx5 without hardware
//
// c/fakedev.c stands in for the kernel: the unmodified library finds, opens and
// uses a device that answers its ioctls and does nothing else. The library
// builds its work requests in ordinary memory, from where the program returns
// them. The fake device is opened through the public interface alone and can
// serve any other program that wants the library's bytes.
//
// # Who measures
//
// A contestant is a process that lives as long as the benchmark. Asked for
// rounds it times itself, so that neither a call from Go nor the pipe is in the
// figure, and contestants can take turns. The lines are described in c/child.h.
package peers
