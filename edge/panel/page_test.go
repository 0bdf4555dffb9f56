package panel

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func get(t *testing.T, h http.Handler, target string, change func(*http.Request)) *http.Response {
	t.Helper()
	r := httptest.NewRequest("GET", target, nil)
	r.Host = "127.0.0.1:8480"
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

var tags = regexp.MustCompile(`(?s)<svg.*?</svg>|<[^>]*>`)

// words is a page's text, in one line.
func words(html string) string {
	_, html, _ = strings.Cut(html, `<div id="now">`)
	html = tags.ReplaceAllString(html, " ")
	html = strings.NewReplacer("&#39;", "'", "&amp;", "&", "&#34;", `"`, "&gt;", ">", "&#43;", "+").Replace(html)
	return strings.Join(strings.Fields(html), " ")
}

// TestPageOfEachState: verdict, marks and words of a page say the same.
func TestPageOfEachState(t *testing.T) {
	want := map[string][]string{
		"fine":         {"Connected", "UTC", "Fine This gateway works as it should.", "box-a 5.06 °C answers", "box-b −18.50 °C", "cabin 21.37 °C", "humidity 41.2 %RH", "rear-door closed", "47.60621° N, 122.33207° W", "speed 13.4 m/s", "ds18b20 on w1, simulated", "nmea on ttyUSB0", "230,412 readings, to block 28,807", "± 12 ms", "gnss"},
		"offline":      {"Offline, 5,760 readings to send", "See to this Offline for 12 min.", "12 min old, 2026-09-15 14:10:03", "Next attempt in 12 s"},
		"pulled":       {"Link pulled", "frostline-edge link up"},
		"silent":       {"Silent box-b has not answered for 9 min.", "box-b −18.50 °C has not answered for 9 min"},
		"overdue":      {"cabin 21.37 °C has been silent for 8.0 s"},
		"stuck":        {"box-a 5.06 °C is stuck at one value"},
		"starting":     {"Undated", "box-a has no reading yet", "UTC undated", "Last acknowledgement none in this boot"},
		"undated":      {"Undated", "Undated The time is not known yet", "UTC undated", "Boot clock 28800512 ms"},
		"disk-full":    {"Act now The disk takes no readings: 1,204 readings in memory alone", "In memory alone 1,204 readings"},
		"nearly-full":  {"Act now The journal is full in 3 hours", "1.9 GB of 2.0 GB"},
		"catching-up":  {"Connected, 402,551 to send", "Catching up"},
		"quiet-hub":    {"acknowledged nothing for 4 min"},
		"refused":      {"Refused by the hub 3 blocks"},
		"not-enrolled": {"No hub", "Certificate not enrolled", "Hub not known", "State off Because"},
		"expired":      {"Certificate expired 3 d ago"},
		"old-epoch":    {"Set aside, damaged 1 segment", "Lost and declared 640 readings", "Passed faults bus w1: short circuit, 4 h ago, 12 times"},
		"everything":   {"w1, simulated bus sim:unix:/run/frostline/van-14.sock/w1: read 28-0316a2796bff: no device answered", "gnss 47.60621° N, 122.33207° W has no satellite fix", "satellites used 2", "bus w1: short circuit"},
	}
	for _, name := range stateNames() {
		t.Run(name, func(t *testing.T) {
			s := inState(name)
			r := get(t, NewPage(s.Gateway, fixed{s}, quiet()).Handler(), "/", nil)
			html := body(t, r)
			text := words(html)
			if r.StatusCode != 200 {
				t.Fatalf("status %d", r.StatusCode)
			}
			for _, w := range want[name] {
				if !strings.Contains(text, w) {
					t.Errorf("want %q in the page, which says:\n%s", w, text)
				}
			}
			v := Judge(s)
			if !strings.Contains(html, `<section id="verdict" class="`+string(v.State)+`">`) || !strings.Contains(html, `#mark-`+string(v.State)) {
				t.Errorf("verdict %s: colour or mark differ", v.State)
			}
			for _, x := range s.Sensors {
				state, _ := JudgeSensor(x)
				card := regexp.MustCompile(`(?s)<li class="(\w+)" id="sensor-[^"]*">\s*<h3>` + x.ID + `<svg[^>]*><use href="#mark-(\w+)"`).FindStringSubmatch(html)
				if card == nil || card[1] != string(state) || card[2] != string(state) {
					t.Errorf("sensor %s is %s: card shows %v", x.ID, state, card)
				}
			}
			for _, forbidden := range []string{" style=", "<script>", "onclick", "http://", "https://"} {
				if strings.Contains(html, forbidden) {
					t.Errorf("page has %q, which its policy forbids", forbidden)
				}
			}
		})
	}
}

func TestPageEscapesWhatOthersWrote(t *testing.T) {
	s := inState("refused")
	s.Uplink.RefusedReason = `<script>alert(1)</script>` + "\r\ndata: x"
	html := body(t, get(t, NewPage("van-14", fixed{s}, quiet()).Handler(), "/", nil))
	if strings.Contains(html, "<script>alert") {
		t.Error("a reason of the hub reached the page as markup")
	}
}

// TestPageWithoutSnapshot: what cannot be asked is silent, and nothing of an
// earlier state stays.
func TestPageWithoutSnapshot(t *testing.T) {
	r := get(t, NewPage("van-14", mute{}, quiet()).Handler(), "/", nil)
	html := body(t, r)
	if r.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("status %d, want 503", r.StatusCode)
	}
	if got := words(html); !strings.Contains(got, "Silent The agent cannot say how it is: snapshot journal: timed out.") {
		t.Errorf("page says %q", got)
	}
	if strings.Contains(html, `class="fine"`) {
		t.Error("something on it is fine")
	}
}

func TestPageIsForThisMachineAlone(t *testing.T) {
	h := NewPage("van-14", fixed{fineGateway()}, quiet()).Handler()
	for host, want := range map[string]int{
		"127.0.0.1:8480": 200, "localhost:9999": 200, "localhost": 200, "[::1]:8480": 200, "127.8.8.8": 200, "LOCALHOST:1": 200,
		"evil.example:8480": 421, "": 421, "127.0.0.1.evil.example": 421, "10.0.0.7:8480": 421, "localhost.evil.example": 421,
	} {
		for _, path := range []string{"/", "/live/details", "/base.css"} {
			if path == "/live/details" && want == 200 {
				continue
			}
			if got := get(t, h, path, func(r *http.Request) { r.Host = host }).StatusCode; got != want {
				t.Errorf("host %q, %s: got %d, want %d", host, path, got, want)
			}
		}
	}
	r := get(t, h, "/", nil)
	if csp := r.Header.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
		t.Errorf("policy %q", csp)
	}
	for _, method := range []string{"POST", "PUT", "DELETE"} {
		if got := get(t, h, "/", func(r *http.Request) { r.Method = method }).StatusCode; got != http.StatusMethodNotAllowed {
			t.Errorf("%s: got %d, want 405", method, got)
		}
	}
}

func TestListenRefusesWhatOthersCanReach(t *testing.T) {
	for _, addr := range []string{"0.0.0.0:0", ":8480", "[::]:0", "192.0.2.1:8480", "hub.example:80", "8480"} {
		l, err := Listen(addr)
		if err == nil {
			l.Close()
			t.Errorf("%q was opened", addr)
		} else if !strings.Contains(err.Error(), DefaultAddr) {
			t.Errorf("%q: error names no remedy: %v", addr, err)
		}
	}
	for _, addr := range []string{"127.0.0.1:0", "localhost:0"} {
		l, err := Listen(addr)
		if err != nil {
			t.Fatal(err)
		}
		if !l.Addr().(*net.TCPAddr).IP.IsLoopback() {
			t.Errorf("%q opened %v", addr, l.Addr())
		}
		l.Close()
	}
}

// TestLivePage: the stream sends what a first visit would show, a surplus of
// live pages is refused, and Serve ends with them open.
func TestLivePage(t *testing.T) {
	p := NewPage("van-14", fixed{inState("silent")}, quiet())
	l, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.Serve(ctx, l) }()
	var streams []*http.Response
	for range maxWatched {
		r, err := http.Get("http://" + l.Addr().String() + "/live/details")
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		streams = append(streams, r)
	}
	lines := bufio.NewScanner(streams[0].Body)
	text, events := "", 0
	for events < 2 && lines.Scan() {
		if lines.Text() == "" {
			events++
		} else if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			text += data + "\n"
		} else {
			t.Fatalf("line %q is no part of an event", lines.Text())
		}
	}
	if events != 2 || !strings.Contains(text, "has not answered for 9 min") {
		t.Errorf("%d events: %s", events, text)
	}
	r, err := http.Get("http://" + l.Addr().String() + "/live/details")
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	if r.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("live page %d: got %d, want 503", maxWatched+1, r.StatusCode)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("serve: %v", err)
	}
}
