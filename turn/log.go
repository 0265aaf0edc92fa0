package turn

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/pion/logging"
	"golang.org/x/time/rate"
)

// logFactory brings pion/turn's log lines to slog. Most of them say what a client did wrong, so that a client could
// fill the log with them: they are debug lines here, and errors come at most once a second.
type logFactory struct{ log *slog.Logger }

func (f logFactory) NewLogger(string) logging.LeveledLogger {
	return &leveled{log: f.log, some: rate.Sometimes{Interval: time.Second}}
}

type leveled struct {
	log  *slog.Logger
	some rate.Sometimes
}

// Trace and debug lines come several times per packet.
func (l *leveled) Trace(string)          {}
func (l *leveled) Tracef(string, ...any) {}
func (l *leveled) Debug(string)          {}
func (l *leveled) Debugf(string, ...any) {}

// Info lines come per packet without a permission.
func (l *leveled) Info(string)          {}
func (l *leveled) Infof(string, ...any) {}

func (l *leveled) Warn(msg string) { l.limited(slog.LevelDebug, msg) }
func (l *leveled) Warnf(format string, a ...any) {
	l.limited(slog.LevelDebug, fmt.Sprintf(format, a...))
}
func (l *leveled) Error(msg string) { l.limited(slog.LevelWarn, msg) }
func (l *leveled) Errorf(format string, a ...any) {
	l.limited(slog.LevelWarn, fmt.Sprintf(format, a...))
}

func (l *leveled) limited(level slog.Level, msg string) {
	l.some.Do(func() { l.log.Log(context.Background(), level, "pion/turn: "+msg) })
}
