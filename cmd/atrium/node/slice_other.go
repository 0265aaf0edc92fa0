//go:build !linux

package node

// RunSoon does nothing where the kernel cannot be asked.
func RunSoon() {}
