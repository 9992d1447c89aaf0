"""OAuth logins: renewal, and the requests that authshim itself makes for a login."""
