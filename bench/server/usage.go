package server

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"
)

// Usage is what a process has used since its start.
type Usage struct {
	Total  time.Duration // processor time, to the nanosecond
	User   time.Duration // of it in its own code, to a tick
	System time.Duration // and in the kernel for it
	RSS    int64         // bytes of memory that it holds now
}

// CPU is all processor time.
func (u Usage) CPU() time.Duration { return u.Total }

// Since is the processor time used after an earlier reading; RSS is the present one.
func (u Usage) Since(before Usage) Usage {
	return Usage{Total: u.Total - before.Total, User: u.User - before.User, System: u.System - before.System, RSS: u.RSS}
}

// Plus is what was used in two spans together; RSS is the later one's.
func (u Usage) Plus(later Usage) Usage {
	return Usage{Total: u.Total + later.Total, User: u.User + later.User, System: u.System + later.System, RSS: later.RSS}
}

// tick is USER_HZ, in which Linux tells times in /proc on every machine that Go runs on. The kernel parts the sum of user and
// system time by samples (proc_pid_stat(5), cputime_adjust).
const tick = time.Second / 100

// UsageOf reads a process's usage from its clock and from /proc.
func UsageOf(pid int) (Usage, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return Usage{}, fmt.Errorf("server: usage of process %d: %w", pid, err)
	}
	// The second field is the program's name in parentheses, which may itself hold anything.
	_, rest, ok := bytes.Cut(raw[bytes.LastIndexByte(raw, ')')+1:], []byte(" "))
	fields := bytes.Fields(rest)
	if !ok || len(fields) < 22 {
		return Usage{}, fmt.Errorf("server: usage of process %d: /proc/%d/stat reads %q", pid, pid, raw)
	}
	number := func(field int) int64 { // as proc_pid_stat(5) numbers them
		n, e := strconv.ParseInt(string(fields[field-3]), 10, 64)
		if e != nil && err == nil {
			err = fmt.Errorf("server: usage of process %d: field %d: %w", pid, field, e)
		}
		return n
	}
	total, fail := cpuClock(pid)
	if fail != nil {
		return Usage{}, fail
	}
	u := Usage{
		Total:  total,
		User:   time.Duration(number(14)) * tick,
		System: time.Duration(number(15)) * tick,
		RSS:    number(24) * int64(os.Getpagesize()),
	}
	return u, err
}
