package node

import (
	"errors"
	"runtime"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// Every thread has the slice, also those that came later, and is as nice as before.
func TestRunSoon(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before, err := unix.SchedGetAttr(0, 0)
	if errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EPERM) {
		RunSoon() // asks, is refused, and changes nothing
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	RunSoon()
	own, err := unix.SchedGetAttr(0, 0)
	if err != nil {
		t.Fatal(err)
	}
	if own.Policy != before.Policy || own.Nice != before.Nice {
		t.Errorf("policy %d and nice %d became %d and %d", before.Policy, before.Nice, own.Policy, own.Nice)
	}
	if own.Runtime != uint64(slice) && own.Runtime != before.Runtime { // before 6.12 it stays what it was
		t.Errorf("the slice is %d ns, neither %v nor what it was, %d", own.Runtime, slice, before.Runtime)
	}
	var up, done sync.WaitGroup
	release := make(chan struct{})
	for range 8 { // each has a thread of its own, all at once
		up.Add(1)
		done.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			a, err := unix.SchedGetAttr(0, 0)
			if err != nil || a.Runtime != own.Runtime {
				t.Errorf("a later thread has a slice of %v, not %d: %v", a, own.Runtime, err)
			}
			up.Done()
			<-release
		})
	}
	up.Wait()
	close(release)
	done.Wait()
}
