package bus

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Options are what a Bus is told at its start. A zero field takes the default that is named beside it.
type Options struct {
	Lease   time.Duration // a node that does not renew it for so long is dead: 5 s
	Timeout time.Duration // of one exchange with Redis: 1.5 s
	Waiting int           // notes that wait for Redis: 4096

	Logger *slog.Logger // nil: none
}

func (o Options) withDefaults() Options {
	if o.Lease <= 0 {
		o.Lease = 5 * time.Second
	}
	if o.Timeout <= 0 {
		o.Timeout = 1500 * time.Millisecond
	}
	if o.Waiting <= 0 {
		o.Waiting = 4096
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// dial makes the client; it connects when it is used. Tries are not repeated below this package, which knows what may be
// done twice.
func dial(url string, o Options) (*redis.Client, error) {
	opt, err := redis.ParseURL(url)
	if err != nil {
		return nil, err
	}
	opt.DialTimeout, opt.ReadTimeout, opt.WriteTimeout = o.Timeout, o.Timeout, o.Timeout
	opt.MaxRetries, opt.DialerRetries = -1, 1
	opt.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	quiet()
	return redis.NewClient(opt), nil
}

// quiet keeps go-redis from writing to standard error what this package logs by itself: that Redis is out of reach.
var quiet = sync.OnceFunc(func() { redis.SetLogger(silence{}) })

type silence struct{}

func (silence) Printf(context.Context, string, ...any) {}
