"""Who is calling and what they may do; imports none of the other packages."""
