package server

import (
	words "trunkline/blubbel"
	"trunkline/blubbel/server"
	"trunkline/blubbel/wire"
	"trunkline/internal/metrics"
	"trunkline/internal/network/blubbel"
	"trunkline/internal/netx"
)

// bindFigures lets /metrics read what the parts count.
func (s *Server) bindFigures() error {
	err := s.metrics.Bind([]metrics.Name{metrics.Finding}, func(scrape *metrics.Scrape) {
		for _, f := range s.allFindings() {
			scrape.Add(metrics.Finding, 1, string(f.Code))
		}
	})
	if err != nil {
		return err
	}
	for _, n := range s.nets {
		relay, ok := n.network.(*blubbel.Adapter)
		if !ok {
			continue
		}
		if err := bindBlubbel(s.metrics, relay, n.listener); err != nil {
			return err
		}
	}
	return nil
}

func bindBlubbel(r *metrics.Registry, relay *blubbel.Adapter, l *netx.LimitedListener) error {
	return r.Bind([]metrics.Name{
		metrics.BlubbelOpenConnections, metrics.BlubbelAcceptedConnections, metrics.BlubbelRefusedConnections,
		metrics.BlubbelLoggedInClients, metrics.BlubbelLogins, metrics.BlubbelOpenSessions, metrics.BlubbelFrames,
		metrics.BlubbelBytes, metrics.BlubbelErrors, metrics.BlubbelPauses, metrics.BlubbelStalls, metrics.BlubbelCuts,
	}, func(s *metrics.Scrape) {
		figures := relay.Stats()
		gauges(s, figures)
		traffic(s, figures)
		refused := l.Stats()
		s.Set(metrics.BlubbelRefusedConnections, float64(figures.RefusedPending), "address")
		s.Set(metrics.BlubbelRefusedConnections, float64(refused.RefusedTotal), "connections")
		s.Set(metrics.BlubbelRefusedConnections, float64(refused.RefusedDescriptors), "descriptors")
	})
}

func gauges(s *metrics.Scrape, f server.Stats) {
	s.Set(metrics.BlubbelOpenConnections, float64(f.Connections))
	s.Set(metrics.BlubbelOpenSessions, float64(f.Sessions))
	for form, label := range map[words.Form]string{words.Raw: metrics.Raw, words.DER: metrics.DER} {
		s.Set(metrics.BlubbelLoggedInClients, float64(f.LoggedIn[form]), label)
		s.Set(metrics.BlubbelLogins, float64(f.Logins[form]), label)
	}
}

func traffic(s *metrics.Scrape, f server.Stats) {
	s.Set(metrics.BlubbelAcceptedConnections, float64(f.Accepted))
	s.Set(metrics.BlubbelPauses, float64(f.Pauses))
	s.Set(metrics.BlubbelStalls, float64(f.Stalls))
	s.Set(metrics.BlubbelCuts, float64(f.Cuts))
	s.Set(metrics.BlubbelBytes, float64(f.BytesIn), metrics.In)
	s.Set(metrics.BlubbelBytes, float64(f.BytesOut), metrics.Out)
	for kind := range f.FramesIn {
		label := metrics.Other
		if kind > 0 {
			label = wire.Kind(kind).String()
		}
		s.Add(metrics.BlubbelFrames, float64(f.FramesIn[kind]), label, metrics.In)
		s.Add(metrics.BlubbelFrames, float64(f.FramesOut[kind]), label, metrics.Out)
	}
	for i, name := range metrics.BlubbelErrorNames() {
		s.Set(metrics.BlubbelErrors, float64(f.Errors[i+1]), name)
	}
}
