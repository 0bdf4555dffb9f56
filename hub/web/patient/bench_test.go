package patient

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"frostline/hub/correlate"
	"frostline/hub/fact"
	"frostline/hub/orders"
	"frostline/hub/privacy"
	"frostline/proto/thermal"
)

// crowd are many deliveries of one box each, with another temperature each
// second.
type crowd struct{ *company }

func (c crowd) Packages(_ context.Context, shipment, _, _ string, _ int) ([]orders.Package, error) {
	return []orders.Package{{PackagePacked: fact.PackagePacked{ID: "P-" + shipment, Shipment: shipment, At: noon - 4*hour}}}, nil
}

func (c crowd) Briefs(ids []string) []correlate.State {
	now := c.now().UnixMilli()
	out := make([]correlate.State, len(ids))
	for i, id := range ids {
		t := thermal.Temp(4000 + (now/1000*37+int64(i)*91)%2000)
		out[i] = correlate.State{Package: id, State: correlate.InRange, Since: noon, Temperature: &t, At: now - now%1000, Until: now + hour, Outcome: thermal.InRange}
	}
	return out
}

// all opens every link, each to a delivery of its own.
type all struct{}

func (all) Open(context.Context, string, string, string) (string, time.Time, error) {
	return "", time.Time{}, privacy.ErrClosed
}
func (all) Enter(_ context.Context, secret, _ string) (privacy.Visit, error) {
	return privacy.Visit{Link: secret, Shipment: "SH-" + secret, Until: time.Now().Add(365 * 24 * time.Hour)}, nil
}

// BenchmarkWatching has patients watch, each a delivery of their own with a new
// reading each second, over connections of this machine: what the processor
// does, for hub and browsers together, and how long after the hub has looked an
// event is there.
func BenchmarkWatching(b *testing.B) {
	for _, watchers := range []int{500, 2000, 4000} {
		b.Run(fmt.Sprint(watchers), func(b *testing.B) {
			for range b.N {
				watch(b, watchers, 8*time.Second)
			}
		})
	}
}

// settled is how many messages a watcher gets before it is measured: what there
// was when it came, and the first changes.
const settled = 3

func watch(b *testing.B, watchers int, during time.Duration) {
	c := newCompany()
	c.wall, c.began = true, time.Now()
	sources := c.sources()
	sources.Orders, sources.Verdicts = crowd{c}, crowd{c}
	s, err := New(Config{Links: all{}, Events: c, Sources: sources, Log: slog.New(slog.DiscardHandler), Zone: seattle, Now: c.now})
	if err != nil {
		b.Fatal(err)
	}
	run, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Run(run) }()
	server := httptest.NewUnstartedServer(s)
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.Start()
	var events, bytes atomic.Int64
	var measuring atomic.Bool
	var mu sync.Mutex
	var late []float64
	var readers, following sync.WaitGroup
	following.Add(watchers)
	var conns []net.Conn
	for i := range watchers {
		secret := strings.Map(func(r rune) rune { return rune(alphabetOf[r-'0']) }, fmt.Sprintf("%032d", i))
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			b.Fatal(err)
		}
		conns = append(conns, conn)
		fmt.Fprintf(conn, "GET %s%s/live HTTP/1.1\r\nHost: hub\r\nCookie: %s=x\r\n\r\n", Prefix, secret, cookieName)
		readers.Go(func() {
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				return
			}
			lines := bufio.NewScanner(resp.Body)
			lines.Buffer(make([]byte, 0, 32<<10), 1<<20)
			told := 0
			for lines.Scan() {
				data, ok := strings.CutPrefix(lines.Text(), "data: ")
				if ok {
					if told++; told == settled {
						following.Done()
					}
				}
				if !ok || !measuring.Load() {
					continue
				}
				var n struct {
					Now int64 `json:"now"`
				}
				if json.Unmarshal([]byte(data), &n) != nil {
					continue
				}
				events.Add(1)
				bytes.Add(int64(len(data)))
				mu.Lock()
				late = append(late, float64(c.now().UnixMicro())/1000-float64(n.Now))
				mu.Unlock()
			}
		})
	}
	following.Wait()
	before := processor()
	begin := time.Now()
	measuring.Store(true)
	time.Sleep(during)
	measuring.Store(false)
	took, used := time.Since(begin), processor()-before
	stop()
	<-done
	for _, conn := range conns {
		conn.Close()
	}
	readers.Wait()
	server.Close()
	if want := int64(watchers) * int64(during.Seconds()) * 9 / 10; events.Load() < want {
		b.Errorf("%d events came, want %d", events.Load(), want)
	}
	slices.Sort(late)
	at := func(q float64) float64 { return late[int(math.Min(q*float64(len(late)), float64(len(late)-1)))] }
	b.ReportMetric(used.Seconds()/took.Seconds(), "cores")
	b.ReportMetric(at(0.5), "p50-ms")
	b.ReportMetric(at(0.99), "p99-ms")
	b.ReportMetric(float64(bytes.Load())/float64(events.Load()), "B/event")
	b.ReportMetric(float64(events.Load())/took.Seconds(), "events/s")
}

const alphabetOf = "abcdefghij"

// processor is what this process has used of it.
func processor() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
