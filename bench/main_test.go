package main

import (
	"testing"

	"go.uber.org/goleak"

	"atrium/bench/server"
)

func TestMain(m *testing.M) {
	server.Main()
	goleak.VerifyTestMain(m)
}
