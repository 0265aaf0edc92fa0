//go:build !linux

package server

import (
	"errors"
	"time"
)

func cpuClock(int) (time.Duration, error) { return 0, errors.ErrUnsupported }
