package bot

import "github.com/prometheus/client_golang/prometheus"

// metrics are what GET /metrics shows. None carries a repository's or person's
// name: the endpoint has no sign-in.
type metrics struct {
	registry   *prometheus.Registry
	deliveries *prometheus.CounterVec // by HTTP status answered
	jobs       *prometheus.CounterVec // by outcome
	verdicts   *prometheus.CounterVec // by state
}

func newMetrics() *metrics {
	counter := func(name, help, label string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "changegate", Name: name, Help: help}, []string{label})
	}
	m := &metrics{
		registry:   prometheus.NewRegistry(),
		deliveries: counter("deliveries_total", "Webhook deliveries by HTTP status answered.", "status"),
		jobs:       counter("jobs_total", "Jobs by outcome.", "outcome"),
		verdicts:   counter("verdicts_total", "Verdicts recorded, by state.", "state"),
	}
	m.registry.MustRegister(m.deliveries, m.jobs, m.verdicts)
	return m
}
