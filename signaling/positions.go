package signaling

import "github.com/google/uuid"

// Positions tells where the members of a zone stand, in tiles: pictures of those who are near come first where the SFU has
// fewer slots than there are people. yield is called with the server's lock held.
func (s *Server) Positions(zone uuid.UUID, yield func(user uuid.UUID, x, y float64)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.order {
		for _, p := range w.live.InZone(zone) {
			yield(p.User, p.Pose.X, p.Pose.Y)
		}
	}
}
