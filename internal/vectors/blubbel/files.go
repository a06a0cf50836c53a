package blubbel

import (
	"trunkline/blubbel/wire"
	"trunkline/internal/vectors"
)

// Files is what the vector files of blubbel mean.
func Files() vectors.Files {
	return vectors.Files{
		"blubbel/keys.json":              vectors.Each(key),
		"blubbel/packets.json":           vectors.Packets(packets(), framed, dissected),
		"blubbel/frames.json":            vectors.Each(split),
		"blubbel/packets_malformed.json": vectors.Each(malformed),
		"blubbel/login.json": vectors.Sections(map[string]vectors.Checker{
			"cases":  vectors.Each(login),
			"values": vectors.Each(value),
		}),
		"blubbel/session.json": vectors.Each(session),
	}
}

// packets makes an empty packet by the name of its struct.
func packets() map[string]func() vectors.Packet {
	return map[string]func() vectors.Packet{
		"Login":         func() vectors.Packet { return new(wire.Login) },
		"LoginAccepted": func() vectors.Packet { return new(wire.LoginAccepted) },
		"Start":         func() vectors.Packet { return new(wire.Start) },
		"Accept":        func() vectors.Packet { return new(wire.Accept) },
		"Message":       func() vectors.Packet { return new(wire.Message) },
		"Error":         func() vectors.Packet { return new(wire.Error) },
		"Challenge":     func() vectors.Packet { return new(wire.Challenge) },
		"Proof":         func() vectors.Packet { return new(wire.Proof) },
	}
}
