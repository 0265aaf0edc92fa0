package server

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// cpuClock is a process's processor time to the nanosecond: its CPU clock, whose number is made of the process's
// (clock_getcpuclockid(3); CPUCLOCK_SCHED of the kernel's posix-timers.h is 2).
func cpuClock(pid int) (time.Duration, error) {
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|2), &t); err != nil {
		return 0, fmt.Errorf("server: CPU clock of process %d: %w", pid, err)
	}
	return time.Duration(t.Nano()), nil
}
