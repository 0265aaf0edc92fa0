package presence

import (
	"fmt"
	"syscall"
)

// AllowFiles makes sure that this process, and those that it starts, may have so many files open.
func AllowFiles(n int) error {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return fmt.Errorf("presence: limit of open files: %w", err)
	}
	want := uint64(n)
	if l.Cur >= want {
		return nil
	}
	l.Cur = want
	if l.Max < want {
		l.Max = want // which root may raise
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return fmt.Errorf("presence: %d files cannot be open at once here (%w); raise the limit, or take fewer connections", n, err)
	}
	return nil
}
