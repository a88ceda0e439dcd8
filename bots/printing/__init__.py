"""Documents as PDF: set by Typst in a process of its own, tagged for those who have them read aloud (PDF/UA-1)."""
