package fuzz

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"strconv"
	"sync"
)

// A state directory holds a journal, and unless told otherwise the findings.
// The journal is a line for the campaign, one for each whole round, one for
// each finding that was shrunk, and one for the start and one for the end of
// each session. A line is a checksum (CRC-32 IEEE, eight
// hexadecimal digits), a blank, and a JSON object. A line that was not written
// whole, as the process or the machine died, can only be the last: it is cut
// off when the journal is opened. Whatever else is wrong is an error.
//
// Times are in the lines of sessions, and in Stats.Elapsed; nothing else
// depends on them.
const (
	journalName = "journal"
	stateFormat = "sgfuzz-state-2"
)

// line is one object of the journal: exactly one field is set. Versions that do
// not know a field take no notice of its lines.
type line struct {
	Campaign *stateHeader `json:"campaign,omitempty"`
	Round    *roundRecord `json:"round,omitempty"`
	Shrunk   *findingText `json:"shrunk,omitempty"`
	Session  *Session     `json:"session,omitempty"`
	End      *SessionEnd  `json:"end,omitempty"`
}

// journal is an open state directory.
type journal struct {
	mu   sync.Mutex
	file *os.File
	done int // findings of the campaign that are in it
	size int64

	begun bool // this session has its line
}

func (j *journal) close() { j.file.Close() }

// append adds a line and waits until it is on the disk.
func (j *journal) append(l line) error {
	text, err := appendLine(nil, l)
	if err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if _, err = j.file.Write(text); err == nil {
		err = j.file.Sync()
	}
	if err != nil {
		_ = j.file.Truncate(j.size) // so that a later line does not follow half of one
		return fmt.Errorf("saving the state: %w", err)
	}
	j.size += int64(len(text))
	return nil
}

func appendLine(dst []byte, l line) ([]byte, error) {
	text, err := json.Marshal(l)
	if err != nil {
		return dst, err
	}
	dst = fmt.Appendf(dst, "%08x ", crc32.ChecksumIEEE(text))
	return append(append(dst, text...), '\n'), nil
}

// maxLine bounds a line of the journal, in bytes. The longest that a campaign
// writes is that of a round in which every case went into the pool: 1024 of
// maxPoolEntries entries, about 50 MiB.
const maxLine = 256 << 20

// readJournal calls each with the lines of a journal. It gives their number,
// and the length in bytes of the part that they make up; what follows is half a
// line. Errors name the line.
func readJournal(f io.Reader, each func(l *line, first bool) error) (lines int, good int64, err error) {
	r := bufio.NewReaderSize(f, 1<<16)
	var text []byte
	for {
		text, err = readLine(r, text[:0])
		if err == io.EOF {
			break
		}
		var l line
		if err == nil {
			err = parseLine(text[:len(text)-1], &l)
			if _, more := r.Peek(1); err != nil && more == io.EOF {
				break // a machine that died can leave zeros, too
			}
		}
		if err == nil {
			err = each(&l, lines == 0)
		}
		if err != nil {
			return lines, good, fmt.Errorf("line %d: %w", lines+1, err)
		}
		lines, good = lines+1, good+int64(len(text))
	}
	if good == 0 && len(text) > 0 && !bytes.ContainsAny(text[:1], "0123456789abcdef") {
		return 0, 0, errors.New("not a journal")
	}
	return lines, good, nil
}

// readLine appends a line with its end to dst. The error is io.EOF if there is
// none; dst then has what there is of one.
func readLine(r *bufio.Reader, dst []byte) ([]byte, error) {
	for {
		part, err := r.ReadSlice('\n')
		dst = append(dst, part...)
		if err != bufio.ErrBufferFull {
			return dst, err
		}
		if len(dst) > maxLine {
			return dst, fmt.Errorf("longer than %d MiB", maxLine>>20)
		}
	}
}

func parseLine(text []byte, l *line) error {
	if len(text) < 10 || text[8] != ' ' {
		return errors.New("no checksum")
	}
	sum, err := strconv.ParseUint(string(text[:8]), 16, 32)
	if err != nil {
		return errors.New("no checksum")
	}
	if text = text[9:]; crc32.ChecksumIEEE(text) != uint32(sum) {
		return errors.New("wrong checksum")
	}
	return json.Unmarshal(text, l)
}
