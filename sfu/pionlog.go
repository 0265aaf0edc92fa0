package sfu

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/pion/logging"
)

var _ logging.LoggerFactory = pionLog{}

// pionLog hands the warnings and errors of Pion's DTLS to ours as debug: they are a peer's doing, and a peer must not be able to
// fill the log.
type pionLog struct{ log *slog.Logger }

// NewLogger implements logging.LoggerFactory.
func (l pionLog) NewLogger(scope string) logging.LeveledLogger {
	return pionLogger{l.log.With("pion", scope)}
}

type pionLogger struct{ log *slog.Logger }

func (l pionLogger) Trace(string)          {}
func (l pionLogger) Tracef(string, ...any) {}
func (l pionLogger) Debug(string)          {}
func (l pionLogger) Debugf(string, ...any) {}
func (l pionLogger) Info(string)           {}
func (l pionLogger) Infof(string, ...any)  {}
func (l pionLogger) Warn(m string)         { l.log.Debug(m) }
func (l pionLogger) Error(m string)        { l.log.Debug(m) }

func (l pionLogger) Warnf(f string, a ...any)  { l.debugf(f, a) }
func (l pionLogger) Errorf(f string, a ...any) { l.debugf(f, a) }

func (l pionLogger) debugf(f string, a []any) {
	if l.log.Enabled(context.Background(), slog.LevelDebug) {
		l.log.Debug(fmt.Sprintf(f, a...))
	}
}
