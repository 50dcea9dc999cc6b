package serve

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"net/url"
)

// readable is how many bytes of a case's text stand in a link as they are, as
// in static/link.js.
const readable = 1500

// Fragment is the part of the page's address, from '#' on, that opens a case:
// its text as it is if that is short, else compressed (raw DEFLATE, base64url).
func Fragment(text string) string {
	v := url.Values{}
	if len(text) <= readable {
		v.Set("case", text)
		return "#" + v.Encode()
	}
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	if err != nil {
		panic(err) // the level is one of flate's own
	}
	_, _ = w.Write([]byte(text)) // a bytes.Buffer takes all
	_ = w.Close()
	v.Set("z", base64.RawURLEncoding.EncodeToString(b.Bytes()))
	return "#" + v.Encode()
}
