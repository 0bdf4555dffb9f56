package rest

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics count answers by operation and status, never by who asked.
type metrics struct {
	requests *prometheus.CounterVec
	panics   prometheus.Counter
	failed   prometheus.Counter
	replayed prometheus.Counter
}

func (m *metrics) init(reg prometheus.Registerer) {
	m.requests = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "frostline_rest_requests_total", Help: "Requests answered, by operation and status; operation is empty where none matched."}, []string{"operation", "status"})
	m.panics = prometheus.NewCounter(prometheus.CounterOpts{Name: "frostline_rest_panics_total", Help: "Requests that made the hub panic."})
	m.failed = prometheus.NewCounter(prometheus.CounterOpts{Name: "frostline_rest_failures_total", Help: "Requests that a part of the hub could not answer."})
	m.replayed = prometheus.NewCounter(prometheus.CounterOpts{Name: "frostline_rest_replays_total", Help: "Requests answered from the record of an earlier one with the same idempotency key."})
	if reg != nil {
		reg.MustRegister(m.requests, m.panics, m.failed, m.replayed)
	}
}

func (m *metrics) seen(operation string, status int) {
	m.requests.WithLabelValues(operation, strconv.Itoa(status)).Inc()
}
