package serve

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"strconv"

	"github.com/sgfuzz/sgfuzz/internal/page"
	"github.com/sgfuzz/sgfuzz/internal/picture"
)

//go:embed static
var static embed.FS

// file is one file of the page.
type file struct {
	data      []byte
	mime, tag string
}

// newFiles serves the embedded files by name, index.html as "/", and the style
// sheets of all pages and of pictures as "/page.css" and "/picture.css".
func newFiles() http.Handler {
	files := map[string]file{}
	add := func(name string, data []byte) {
		mimes := map[string]string{".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
		sum := sha256.Sum256(data)
		files[name] = file{data, mimes[path.Ext(name)] + "; charset=utf-8", `"` + hex.EncodeToString(sum[:12]) + `"`}
	}
	names, err := fs.Glob(static, "static/*")
	if err != nil {
		panic(err) // the pattern is bad
	}
	for _, name := range names {
		data, err := static.ReadFile(name)
		if err != nil {
			panic(err) // it is embedded
		}
		add("/"+path.Base(name), data)
	}
	add("/page.css", []byte(page.CSS()))
	add("/picture.css", []byte(picture.CSS))
	add("/", files["/index.html"].data)
	f := files["/"]
	f.mime = files["/index.html"].mime
	files["/"] = f
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, ok := files[r.URL.Path]
		if !ok {
			problemf(http.StatusNotFound, "", "no such page").write(w)
			return
		}
		only(http.MethodGet, f).ServeHTTP(w, r)
	})
}

// ServeHTTP gives the file, or says that the browser has it. Browsers ask each
// time: the next binary may have another one.
func (f file) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", f.mime)
	h.Set("Cache-Control", "no-cache")
	h.Set("ETag", f.tag)
	if r.Header.Get("If-None-Match") == f.tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Length", strconv.Itoa(len(f.data)))
	if r.Method != http.MethodHead {
		_, _ = w.Write(f.data) // a reader that went away is no fault
	}
}
