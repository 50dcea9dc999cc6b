package serve

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"mime"
	"net"
	"net/http"
	"runtime/debug"
	"strconv"
)

// Problem is why a request was not answered. Its HTTP status is 4xx where the
// request is at fault.
type Problem struct {
	status int

	Message string `json:"message"`
	// Field is the part of the input that is at fault: a key of the case's text
	// such as "page-size", "sg" for an entry; "text", "strategy", "bug" or
	// "dialect" for a member of the request; "" if none is.
	Field string `json:"field,omitempty"`
	// Line and Column count from 1, Column in bytes; 0 if there is none.
	Line   int `json:"line,omitempty"`
	Column int `json:"column,omitempty"`
	// Entry is the number of the entry from 0, nil if none is at fault.
	Entry *int `json:"entry,omitempty"`
	// Offset is where the fault is in the text, in bytes, if Line is not 0.
	Offset int `json:"offset,omitempty"`
}

func (p *Problem) Error() string { return p.Message }

func problemf(status int, field, format string, args ...any) *Problem {
	return &Problem{status: status, Field: field, Message: fmt.Sprintf(format, args...)}
}

func (p *Problem) write(w http.ResponseWriter) {
	writeJSON(w, p.status, struct {
		Error *Problem `json:"error"`
	}{p})
}

// answer makes a handler of a function from request to value.
func answer(fn func(*http.Request) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v, err := fn(r)
		if err == nil {
			writeJSON(w, http.StatusOK, v)
			return
		}
		problem(err).write(w)
	})
}

// problem is what the reader is told about an error.
func problem(err error) *Problem {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p
	}
	switch {
	case errors.Is(err, context.Canceled):
		return &Problem{status: 499, Message: "cancelled"} // nobody reads it
	case errors.Is(err, context.DeadlineExceeded):
		return &Problem{status: http.StatusServiceUnavailable, Message: "it took too long: a smaller list, or larger pages, will help"}
	}
	return &Problem{status: http.StatusUnprocessableEntity, Message: err.Error()}
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	var b bytes.Buffer
	b.Grow(16 << 10)
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		log.Printf("serve: %v", err)
		status = http.StatusInternalServerError
		b.Reset()
		b.WriteString(`{"error":{"message":"the answer cannot be written"}}`)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(b.Len()))
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // a reader that went away is no fault
}

// read takes a request's JSON body: one object with known members.
func (s *Server) read(r *http.Request, into any) error {
	if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != "application/json" {
		return problemf(http.StatusUnsupportedMediaType, "", "the body must be application/json")
	}
	dec := json.NewDecoder(http.MaxBytesReader(nil, r.Body, s.MaxBody))
	dec.DisallowUnknownFields()
	err := dec.Decode(into)
	if err == nil {
		if _, err = dec.Token(); err == io.EOF {
			return nil
		}
		if err == nil {
			err = errors.New("something follows the object")
		}
	}
	if e, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return problemf(http.StatusRequestEntityTooLarge, "text", "the body is longer than %d bytes", e.Limit)
	}
	if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() {
		return problemf(http.StatusRequestTimeout, "", "the body did not come in time")
	}
	return problemf(http.StatusBadRequest, "", "the body is not the JSON object that is expected: %v", err)
}

// compute runs fn when a slot is free and waits for it, but no longer than the
// request lasts and Config.Timeout. stop is closed when nobody waits any more;
// fn's slot is taken until it returns.
func compute[T any](s *Server, r *http.Request, fn func(stop <-chan struct{}) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(r.Context(), s.Timeout)
	defer cancel()
	type result struct {
		v   T
		err error
	}
	var none T
	select {
	case s.slots <- struct{}{}:
	case <-ctx.Done():
		return none, ctx.Err()
	}
	done := make(chan result, 1)
	go func() {
		defer func() {
			<-s.slots
			if p := recover(); p != nil {
				s.Log.Printf("serve: bug: %v\n%s", p, debug.Stack())
				done <- result{err: problemf(http.StatusInternalServerError, "", "a bug in sgfuzz: %v", p)}
			}
		}()
		v, err := fn(ctx.Done())
		done <- result{v, err}
	}()
	select {
	case out := <-done:
		return out.v, out.err
	case <-ctx.Done():
		return none, ctx.Err()
	}
}

// portOf is the port of an address in decimal.
func portOf(a *net.TCPAddr) string { return strconv.Itoa(a.Port) }

// clip keeps a quoted piece of input short.
func clip(s string) string {
	const most = 60
	if len(s) > most {
		return strconv.Quote(s[:most]) + "…"
	}
	return strconv.Quote(s)
}
