package health

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"
)

// Describe implements prometheus.Collector; figures are not known beforehand.
func (b *Board) Describe(chan<- *prometheus.Desc) {}

var (
	well = prometheus.NewDesc("frostline_part_well", "1 while a part of the hub is well, 0 while it is not.", []string{"part"}, nil)
	left = prometheus.NewDesc("frostline_part_error_budget_seconds", "How long a part may still be unwell within 28 days, by its objective; below 0 it is overspent.", []string{"part"}, nil)
	sick = prometheus.NewDesc("frostline_part_unwell_seconds", "For how long a part of the hub has not been well, 0 while it is.", []string{"part"}, nil)
)

// Collect implements prometheus.Collector: what a look shows. A figure whose
// name or labels Prometheus does not take is told as an error of the scrape.
func (b *Board) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*within)
	defer cancel()
	now := b.now()
	for _, p := range b.Parts(ctx) {
		ok, d := 1.0, 0.0
		if p.Problem != "" {
			ok, d = 0, max(0, now.Sub(p.Since).Seconds())
		}
		to <- prometheus.MustNewConstMetric(well, prometheus.GaugeValue, ok, p.Name)
		to <- prometheus.MustNewConstMetric(sick, prometheus.GaugeValue, d, p.Name)
	}
	for _, o := range b.Objectives() {
		to <- prometheus.MustNewConstMetric(left, prometheus.GaugeValue, o.Left().Seconds(), o.Part)
	}
	b.mu.Lock()
	seen := b.seen
	b.mu.Unlock()
	for _, s := range seen {
		for _, f := range s.Figures {
			var names, values []string
			for i := 0; i+1 < len(f.Labels); i += 2 {
				names, values = append(names, f.Labels[i]), append(values, f.Labels[i+1])
			}
			kind := prometheus.GaugeValue
			if f.Counter {
				kind = prometheus.CounterValue
			}
			desc := prometheus.NewDesc("frostline_"+f.Name, f.Help, names, nil)
			m, err := prometheus.NewConstMetric(desc, kind, f.Value, values...)
			if err != nil {
				m = prometheus.NewInvalidMetric(desc, err)
			}
			to <- m
		}
	}
}
