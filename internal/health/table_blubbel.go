package health

// blubbel has the errors of the protocol under their own numbers, then what
// our server and client notice.
func blubbel() []Entry {
	list := append(blubbelErrors(), blubbelNoticed()...)
	for i := range list {
		list[i].Networks = []string{"blubbel"}
	}
	return list
}

func blubbelErrors() []Entry {
	return []Entry{{
		Code:     BlubbelBadFrame,
		Title:    "bad frame",
		Severity: Warning,
		Detected: "Error 1: a frame is of no known type, too short for its type, or came out of turn; the connection was closed.",
		Cause:    "The other side speaks another protocol, or the as-shipped framing.",
		Cure:     "use the same framing on both sides: blubbel.framing",
	}, {
		Code:     BlubbelNotLoggedIn,
		Title:    "not logged in",
		Severity: Warning,
		Detected: "Error 2: a frame other than a login came first; the connection was closed.",
		Cause:    "The client sends before its login was accepted.",
		Cure:     "let the client wait for the answer to its login",
	}, {
		Code:     BlubbelAlreadyLoggedIn,
		Title:    "already logged in",
		Severity: Info,
		Detected: "Error 3: a second login came on a connection.",
		Cause:    "The client repeats its login.",
		Cure:     "use one connection for each key",
	}, {
		Code:     BlubbelKeyInUse,
		Title:    "key in use, or taken over",
		Severity: Warning,
		Detected: "Error 4: the same key logged in twice. A proven newcomer takes over; an unproven one is sent away.",
		Cause:    "The same key file is used by two programs.",
		Cure:     "make a key of its own for each program: trunkline keygen",
	}, {
		Code:     BlubbelBadKey,
		Title:    "bad key",
		Severity: Warning,
		Detected: "Error 5: a key is of neither form, the proof of possession is wrong, or somebody started a session with himself.",
		Cause:    "The key was cut when it was copied, its file is damaged, or this server refuses the 1024-bit raw form.",
		Cure:     "make a new key with trunkline keygen, or set blubbel.raw_keys = true for old clients",
	}, {
		Code:     BlubbelNotConnected,
		Title:    "recipient not connected",
		Severity: Info,
		Detected: "Error 6: nobody with the recipient's key is logged in.",
		Cause:    "The other is away, or on another server.",
		Cure:     "try again when the other is there; check that both use the same server",
	}, {
		Code:     BlubbelNoSession,
		Title:    "no session",
		Severity: Info,
		Detected: "Error 7: a message or an acceptance came where no session was open or asked for.",
		Cause:    "The other logged in anew since the session was opened.",
		Cure:     "start the session again: add the contact",
	}, {
		Code:     BlubbelTooLarge,
		Title:    "too large",
		Severity: Warning,
		Detected: "Error 8: a frame's length is above the limit; it was not read, and the connection was closed.",
		Cause:    "A long message, the as-shipped framing, or another protocol.",
		Cure:     "send less at once, or raise blubbel.max_payload",
	}, {
		Code:     BlubbelSlowDown,
		Title:    "slow down",
		Severity: Warning,
		Detected: "Error 9: session requests came faster than allowed, or too many sessions are open; the frame was not forwarded.",
		Cause:    "A client that asks many at once, or repeats without waiting.",
		Cure:     "wait a second and repeat, or raise blubbel.start_rate, blubbel.start_recipient_rate or blubbel.sessions",
	}}
}

func blubbelNoticed() []Entry {
	return []Entry{{
		Code:     BlubbelMessagesLost,
		Title:    "messages were lost on the way",
		Severity: Warning,
		Detected: "A message opened with a counter other than the next one; the session ended and a new one was asked for.",
		Cause:    "The server or somebody on the way dropped, repeated or reordered messages.",
		Cure:     "ask the other what was sent last; if it happens again, use another server",
	}, {
		Code:     BlubbelReaderCut,
		Title:    "reader cut off as too slow",
		Severity: Warning,
		Detected: "A client did not read for longer than blubbel.stall while its queue was full; its connection was closed.",
		Cause:    "The client hangs, or its network is slower than what it is sent.",
		Cure:     "restart the client, or raise blubbel.queue or blubbel.stall",
	}, {
		Code:     BlubbelLoginTimeout,
		Title:    "login not finished in time",
		Severity: Warning,
		Detected: "A connection was not logged in within blubbel.login_timeout.",
		Cause:    "A slow network, a program that is no blubbel client, or the wrong port.",
		Cure:     "check that the client talks to the blubbel port, or raise blubbel.login_timeout",
	}}
}
