package panel

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"reflect"
	"sync"
	"time"
)

// part is a piece of a face that changes on its own: an element with an id, in a
// container with an id. Its data decides its HTML, so that equal data need not be
// rendered again.
type part struct {
	ID, In   string
	Template string
	Data     any
}

// rendered is a part's HTML.
type rendered struct {
	part
	html string
}

// frame is a face at one moment.
type frame struct {
	title string
	state State
	class string // of the body
	parts []rendered
	err   error // why there is no snapshot
}

// feed renders one face in one language for all who look at it: once a second at
// most, and only what has changed.
type feed struct {
	mu   sync.Mutex
	at   time.Time
	last frame
}

// fresh is how long a frame serves everyone.
const fresh = refresh * 9 / 10

// frame gives the present frame of a face. It is not to be changed.
func (p *Page) frame(ctx context.Context, f face, l *locale) (frame, error) {
	d := p.feeds[f.name+"/"+l.tag]
	d.mu.Lock()
	defer d.mu.Unlock()
	if age := time.Since(d.at); !d.at.IsZero() && age >= 0 && age < fresh {
		return d.last, nil
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	s, err := p.source.Snapshot(ctx)
	next := frame{err: err}
	var parts []part
	next.title, next.state, next.class, parts = f.parts(p, l, s, err)
	old := map[string]rendered{}
	for _, r := range d.last.parts {
		old[r.ID] = r
	}
	for _, x := range parts {
		r := rendered{part: x}
		if o, ok := old[x.ID]; ok && o.Template == x.Template && reflect.DeepEqual(o.Data, x.Data) {
			r.html = o.html
		} else {
			var b bytes.Buffer
			if err := p.templates[l.tag].ExecuteTemplate(&b, x.Template, x.Data); err != nil {
				return frame{}, fmt.Errorf("render %s of the %s page: %w", x.ID, f.name, err)
			}
			r.html = b.String()
		}
		next.parts = append(next.parts, r)
	}
	d.at, d.last = time.Now(), next
	return next, nil
}

// stale has the next look at any face render it anew: somebody has changed
// something and wants to see it.
func (p *Page) stale() {
	for _, d := range p.feeds {
		d.mu.Lock()
		d.at = time.Time{}
		d.mu.Unlock()
	}
}

// within is the HTML of a container's parts.
func (f frame) within(container string) template.HTML {
	var b bytes.Buffer
	for _, r := range f.parts {
		if r.In == container {
			b.WriteString(r.html)
		}
	}
	return template.HTML(b.String()) // #nosec: each part is a template's
}

// change is what a page is told: the parts that it does not have yet, and the
// order within containers where that is another. An empty one says that the
// gateway lives.
type change struct {
	Title string              `json:"title,omitempty"`
	State State               `json:"state,omitempty"`
	Class string              `json:"class,omitempty"`
	Order map[string][]string `json:"order,omitempty"`
	Parts map[string]string   `json:"parts,omitempty"`
}

// told is what one page has been told.
type told struct {
	frame frame
	html  map[string]string
	order map[string][]string
}

// update gives what is new in a frame.
func (t *told) update(f frame) change {
	var c change
	order, html := map[string][]string{}, map[string]string{}
	for _, r := range f.parts {
		order[r.In] = append(order[r.In], r.ID)
		html[r.ID] = r.html
		if t.html == nil || t.html[r.ID] != r.html {
			if c.Parts == nil {
				c.Parts = map[string]string{}
			}
			c.Parts[r.ID] = r.html
		}
	}
	for in := range t.order { // a container that has become empty
		if _, there := order[in]; !there {
			order[in] = []string{}
		}
	}
	if !reflect.DeepEqual(order, t.order) {
		c.Order = order
	}
	if f.title != t.frame.title || f.state != t.frame.state || f.class != t.frame.class || t.html == nil {
		c.Title, c.State, c.Class = f.title, f.state, f.class
	}
	t.frame, t.html, t.order = f, html, order
	return c
}

// live streams a face's changes as server-sent events, one a second.
func (p *Page) live(f face) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		l := p.locale(r)
		select {
		case p.watched <- struct{}{}:
			defer func() { <-p.watched }()
		default:
			http.Error(w, l.say("error.too-many", group(maxWatched)), http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		out := http.NewResponseController(w)
		if err := out.SetReadDeadline(time.Time{}); err != nil { // or the stream ends with it
			http.Error(w, "no stream over this connection: "+err.Error(), http.StatusInternalServerError)
			return
		}
		tick := time.NewTicker(refresh)
		defer tick.Stop()
		var t told
		for {
			now, err := p.frame(r.Context(), f, l) // a missing snapshot is shown
			if err != nil {
				p.log.Error("panel cannot be rendered", "err", err)
				return
			}
			if out.SetWriteDeadline(time.Now().Add(10*time.Second)) != nil {
				return
			}
			if _, err := w.Write(event(t.update(now))); err != nil || out.Flush() != nil {
				return
			}
			select {
			case <-r.Context().Done():
				return
			case <-tick.C:
			}
		}
	}
}

// event frames a change as one server-sent event.
func event(c change) []byte {
	var b bytes.Buffer
	b.WriteString("data: ")
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(c); err != nil { // nothing in it can fail to be encoded
		panic(fmt.Sprintf("encode change: %v", err))
	}
	b.WriteByte('\n')
	return b.Bytes()
}
