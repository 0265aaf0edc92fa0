package turn

// Open counts the ports that pion/turn has not given back yet.
func (s *Server) Open() int {
	s.relay.mu.Lock()
	defer s.relay.mu.Unlock()
	return s.relay.open
}

// Members counts the entries of the members' table.
func (s *Server) Members() int {
	s.relay.mu.Lock()
	defer s.relay.mu.Unlock()
	return len(s.relay.members)
}

// Connections counts the TCP connections.
func (s *Server) Connections() int {
	n := 0
	for _, l := range s.streams {
		n += l.count()
	}
	return n
}

// RaceEnabled: the race detector is on.
const RaceEnabled = raceEnabled
