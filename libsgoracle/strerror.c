//go:build cgo

#include "sgoracle.h"

/* A constant table: the text needs no Go runtime and is never freed. */
const char *sgo_strerror(int code)
{
	switch (code) {
	case SGO_OK: return "nothing is wrong";
	case SGO_FINDING: return "something is wrong with the registration";
	case SGO_ESESSION: return "no such session";
	case SGO_ENULL: return "pointer is NULL";
	case SGO_ERANGE: return "number or size beyond its bounds";
	case SGO_EREQUEST: return "request contradicts itself";
	case SGO_ESTATE: return "call out of order";
	case SGO_EINTERNAL: return "defect of the library";
	}
	return "no code of this library";
}
