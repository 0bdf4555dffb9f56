package influx

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	influxdb "github.com/influxdata/influxdb-client-go/v2"
	"github.com/influxdata/influxdb-client-go/v2/api"

	"frostline/hub/intake/batch"
	"frostline/hub/store"
	"frostline/proto/truetime"
)

// Store is what a Writer needs of the hub's store.
type Store interface {
	Write(ctx context.Context, do func(context.Context, *store.Tx) error) error
	store.Querier
}

// Evidence gives what intake has committed.
type Evidence interface {
	// Replay gives the batches with ids above after, in order.
	Replay(ctx context.Context, after int64, yield func(*batch.Batch) error) error
}

// Times dates readings.
type Times interface {
	// Timeline gives the timeline of a boot, nil while it has no anchor.
	Timeline(ctx context.Context, gateway string, epoch, boot uint32) (*truetime.Timeline, error)
}

const (
	requestTimeout = 30 // s
	mostPatience   = 60 // times the first pause
)

// Writer copies readings. Its methods may be called from any goroutine.
type Writer struct {
	o      Options
	target string
	client influxdb.Client
	api    api.WriteAPIBlocking
	wake   chan struct{}

	mu     sync.Mutex
	status Status
}

// Status tells how the copy is doing.
type Status struct {
	Target  string // server and bucket, without a secret
	Parcel  int64  // id of the last one whose readings are in the spool or written
	Spooled int64  // points waiting to be written
	Waiting int64  // parcels with readings that cannot be dated yet
	Written uint64 // points since the start
	Refused int64  // points set aside, ever
	Retries uint64
	// Failing is why the server does not take anything at present, and since
	// when; empty while it does.
	Failing      string
	FailingSince time.Time
}

// New checks the options. Nothing is read or sent before Run.
func New(o Options) (*Writer, error) {
	if err := o.Config.Validate(); err != nil {
		return nil, err
	}
	if !o.Config.On() {
		return nil, errors.New("influx.url: empty: nothing to write to")
	}
	token, err := o.Config.token()
	if err != nil {
		return nil, err
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Points <= 0 {
		o.Points = 5000
	}
	if o.Retry <= 0 {
		o.Retry = time.Second
	}
	client := influxdb.NewClientWithOptions(o.Config.URL, token, influxdb.DefaultOptions().
		SetHTTPRequestTimeout(requestTimeout).SetPrecision(time.Millisecond).SetUseGZip(true).SetMaxRetries(0).SetLogLevel(0))
	return &Writer{
		o: o, target: o.Config.target(), client: client,
		api:    client.WriteAPIBlocking(o.Config.Org, o.Config.Bucket),
		wake:   make(chan struct{}, 1),
		status: Status{Target: o.Config.URL + " " + o.Config.Bucket},
	}, nil
}

// Committed implements intake's Sink: it says that there is something new.
func (w *Writer) Committed(*batch.Batch) {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// Status is a snapshot for health checks and pages.
func (w *Writer) Status() Status {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.status
}

// Run writes until ctx ends, which gives nil. What is in the spool then is
// written by the next Run.
func (w *Writer) Run(ctx context.Context) error {
	defer w.client.Close()
	pause := w.o.Retry
	for ctx.Err() == nil {
		done, err := w.round(ctx)
		if err != nil {
			if ctx.Err() != nil {
				break
			}
			w.failed(err)
			if !sleep(ctx, w.delay(err, pause)) {
				break
			}
			pause = min(2*pause, mostPatience*w.o.Retry)
			continue
		}
		pause = w.o.Retry
		if done {
			select {
			case <-ctx.Done():
			case <-w.wake:
			}
		}
	}
	return nil
}

// round writes what is spooled, then spools what is new; done is true when
// there was nothing of either.
func (w *Writer) round(ctx context.Context) (done bool, err error) {
	sent, err := w.drain(ctx)
	if err != nil {
		return false, err
	}
	taken, err := w.gather(ctx)
	if err != nil {
		return false, fmt.Errorf("spool readings: %w", err)
	}
	return !sent && !taken, w.count(ctx)
}

func (w *Writer) failed(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.status.Retries++
	if w.status.Failing == "" {
		w.status.FailingSince = w.o.Now()
		w.o.Log.Warn("InfluxDB takes nothing; readings are kept and sent again", "target", w.status.Target, "error", err)
	}
	w.status.Failing = err.Error()
}

func (w *Writer) succeeded(points int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.status.Failing != "" {
		w.o.Log.Info("InfluxDB takes readings again", "target", w.status.Target, "after", w.o.Now().Sub(w.status.FailingSince).Round(time.Second))
	}
	w.status.Written += uint64(points)
	w.status.Failing, w.status.FailingSince = "", time.Time{}
}

// count brings the figures that are in the store into the status.
func (w *Writer) count(ctx context.Context) error {
	var spooled, waiting, refused int64
	for _, q := range []struct {
		into *int64
		sql  string
	}{
		{&spooled, `SELECT coalesce(sum(points), 0) FROM influx_spool WHERE target = $1`},
		{&waiting, `SELECT count(*) FROM influx_waiting WHERE target = $1`},
		{&refused, `SELECT count(*) FROM influx_refused WHERE target = $1`},
	} {
		if err := w.o.Store.QueryRow(ctx, q.sql, w.target).Scan(q.into); err != nil {
			return fmt.Errorf("count: %w", err)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.status.Spooled, w.status.Waiting, w.status.Refused = spooled, waiting, refused
	return nil
}

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
