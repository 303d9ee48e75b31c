package bot

import (
	"github.com/prometheus/client_golang/prometheus"

	"changegate/checks"
)

// metrics are what GET /metrics shows. None carries a repository's or person's
// name: the endpoint has no sign-in.
type metrics struct {
	registry   *prometheus.Registry
	deliveries *prometheus.CounterVec // by HTTP status answered
	jobs       *prometheus.CounterVec // by outcome
	verdicts   *prometheus.CounterVec // by state
	plans      *prometheus.CounterVec // by how they stand
}

func newMetrics(gh *checks.Client) *metrics {
	counter := func(name, help, label string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "changegate", Name: name, Help: help}, []string{label})
	}
	m := &metrics{
		registry:   prometheus.NewRegistry(),
		deliveries: counter("deliveries_total", "Webhook deliveries by HTTP status answered.", "status"),
		jobs:       counter("jobs_total", "Jobs by outcome.", "outcome"),
		verdicts:   counter("verdicts_total", "Verdicts recorded, by state.", "state"),
		plans:      counter("plans_changed_total", "Rollback plans of merged changes found to work no longer, or again, by how they stand then.", "state"),
	}
	skew := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: "changegate", Name: "clock_skew_seconds",
		Help: "What GitHub's clock is ahead of this machine's; 0 while no answer says otherwise.",
	}, func() float64 { return gh.Skew().Seconds() })
	m.registry.MustRegister(m.deliveries, m.jobs, m.verdicts, m.plans, skew)
	return m
}
