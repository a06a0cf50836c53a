package server

// Look looks at once at what is else looked at every minute.
func (s *Server) Look() { s.look() }
