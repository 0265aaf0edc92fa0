package peer

import (
	"fmt"
	"log/slog"

	"github.com/pion/logging"
)

// pionLog gives Pion a place for its log that is not the terminal. What Pion calls an error here is often an everyday thing, such
// as a candidate of a connection that was begun anew; what matters reaches the peer by states.
type pionLog struct{ to *slog.Logger }

var _ logging.LoggerFactory = pionLog{}

func (l pionLog) NewLogger(scope string) logging.LeveledLogger {
	return pionScope{l.to.With("pion", scope)}
}

type pionScope struct{ to *slog.Logger }

func (s pionScope) Trace(string)          {}
func (s pionScope) Tracef(string, ...any) {}
func (s pionScope) Debug(string)          {}
func (s pionScope) Debugf(string, ...any) {}
func (s pionScope) Info(string)           {}
func (s pionScope) Infof(string, ...any)  {}
func (s pionScope) Warn(msg string)       { s.to.Debug(msg) }
func (s pionScope) Warnf(format string, args ...any) {
	s.to.Debug(fmt.Sprintf(format, args...))
}
func (s pionScope) Error(msg string) { s.to.Debug(msg) }
func (s pionScope) Errorf(format string, args ...any) {
	s.to.Debug(fmt.Sprintf(format, args...))
}
