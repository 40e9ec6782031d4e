"""What gatepost_probe does on a vantage host, on a host with mailboxes, and on a mail server."""
