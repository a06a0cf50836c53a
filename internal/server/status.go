package server

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"trunkline/internal/health"
)

// Status is one screen of truth about a running server; version 1 of its JSON.
type Status struct {
	Build    Build            `json:"build"`
	PID      int              `json:"pid"`
	Data     string           `json:"data"`
	Config   string           `json:"config"` // the file that was read; empty for none
	Started  time.Time        `json:"started"`
	Networks []NetworkStatus  `json:"networks"`
	Findings []health.Finding `json:"findings"`
}

// NetworkStatus is what a network does.
type NetworkStatus struct {
	Name         string   `json:"name"`
	Title        string   `json:"title"`
	On           bool     `json:"on"`            // it answers
	Why          string   `json:"why,omitempty"` // it does not
	TCP          []string `json:"tcp,omitempty"`
	UDP          []string `json:"udp,omitempty"`
	HTTP         []string `json:"http,omitempty"`
	Capabilities []string `json:"capabilities,omitempty"`
	Connected    *int     `json:"connected,omitempty"`
	Echo         *Contact `json:"echo,omitempty"`
	Advertised   string   `json:"advertised,omitempty"` // as told to clients
}

// Contact is somebody that `trunkline chat NAME` finds by name.
type Contact struct {
	Address string `json:"address"` // in the network's text form
	Server  string `json:"server"`  // host:port for clients on this machine
}

// Find returns the contact of a name, and its network.
func (s Status) Find(name string) (network string, c Contact, ok bool) {
	for _, n := range s.Networks {
		if name == "echo" && n.Echo != nil {
			return n.Name, *n.Echo, true
		}
	}
	return "", Contact{}, false
}

// Network returns what is known of the network with this name.
func (s Status) Network(name string) (NetworkStatus, bool) {
	for _, n := range s.Networks {
		if n.Name == name {
			return n, true
		}
	}
	return NetworkStatus{}, false
}

// Print writes the status for people.
func (s Status) Print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "Trunkline %s\tpid %d, up %s, data in %s\n\n", s.Build, s.PID, time.Since(s.Started).Round(time.Second), s.Data)
	for _, n := range s.Networks {
		fmt.Fprintf(t, "  %s\t%s\t%s\t%s\n", n.Title, n.where(), n.count(), strings.Join(n.Capabilities, ", "))
	}
	fmt.Fprintln(t)
	if err := t.Flush(); err != nil {
		return err
	}
	if len(s.Findings) == 0 {
		_, err := fmt.Fprintln(w, "no findings")
		return err
	}
	for _, f := range s.Findings {
		if _, err := fmt.Fprintln(w, f); err != nil {
			return err
		}
	}
	return nil
}

func (n NetworkStatus) where() string {
	if !n.On {
		return "off: " + n.Why
	}
	return strings.Join(n.addresses(), ", ")
}

// addresses joins the kinds of socket that share an address.
func (n NetworkStatus) addresses() []string {
	var out []string
	for _, a := range n.HTTP {
		out = append(out, "http://"+a)
	}
	for _, a := range n.TCP {
		kinds := "tcp"
		for _, u := range n.UDP {
			if u == a {
				kinds = "udp tcp"
			}
		}
		out = append(out, a+"  "+kinds)
	}
	return out
}

func (n NetworkStatus) count() string {
	if n.Connected == nil {
		return ""
	}
	return fmt.Sprintf("%d connected", *n.Connected)
}
