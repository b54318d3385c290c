//go:build tools

// Package tools names what scripts/test-providers builds, so that go.mod and go.sum hold exactly what it needs.
package tools

import _ "github.com/VictoriaMetrics/VictoriaMetrics/app/victoria-logs"
