package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"

	"frostline/dashboards"
)

// assets answers for the embedded files, compressed once and named by their
// content, so that a browser asks again and is told "unchanged".
type assets map[string]asset

type asset struct {
	kind, tag   string
	plain, gzip []byte
}

func newAssets() (assets, error) {
	out := assets{}
	err := fs.WalkDir(dashboards.Assets, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(dashboards.Assets, name)
		if err != nil {
			return err
		}
		a := asset{plain: b, kind: mime.TypeByExtension(path.Ext(name))}
		switch path.Ext(name) { // not left to the machine's own tables
		case ".js":
			a.kind = "text/javascript; charset=utf-8"
		case ".css":
			a.kind = "text/css; charset=utf-8"
		case ".svg":
			a.kind = "image/svg+xml"
		case ".md", "":
			a.kind = "text/plain; charset=utf-8"
		}
		sum := sha256.Sum256(b)
		a.tag = hex.EncodeToString(sum[:8])
		var z bytes.Buffer
		w, _ := gzip.NewWriterLevel(&z, gzip.BestCompression)
		_, _ = w.Write(b)
		if err := w.Close(); err != nil {
			return err
		}
		if z.Len() < len(b) {
			a.gzip = z.Bytes()
		}
		out["/"+name] = a
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("load the pages' assets: %w", err)
	}
	return out, nil
}

func (as assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a, ok := as[r.URL.Path]
	if !ok {
		http.Error(w, "no such asset", http.StatusNotFound)
		return
	}
	h := w.Header()
	h.Set("Content-Type", a.kind)
	h.Set("Cache-Control", "no-cache")
	h.Set("Vary", "Accept-Encoding")
	body, tag := a.plain, `"`+a.tag+`"`
	if a.gzip != nil && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		body, tag = a.gzip, `"`+a.tag+`-gzip"`
	}
	h.Set("ETag", tag)
	if r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Length", fmt.Sprint(len(body)))
	if r.Method != http.MethodHead {
		_, _ = w.Write(body)
	}
}
