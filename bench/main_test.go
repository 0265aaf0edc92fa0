package main

import (
	"testing"

	"go.uber.org/goleak"

	"atrium/bench/presence"
	"atrium/bench/server"
)

func TestMain(m *testing.M) {
	server.Main()
	presence.Main()
	goleak.VerifyTestMain(m)
}
