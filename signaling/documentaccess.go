package signaling

import "github.com/google/uuid"

// MayOpen says whether a token opens a document, as far as the worlds have a say: one that an object of a world names is
// open to who may join that world now, any other to everyone.
func (s *Server) MayOpen(c *Claims, document uuid.UUID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	named := false
	for _, w := range s.order {
		m := w.live.Map()
		if _, ok := m.Document(document); !ok {
			continue
		}
		if named = true; c.MayJoin(m) && !w.live.Barred(c.User, s.opt.Now()) {
			return true
		}
	}
	return !named
}
