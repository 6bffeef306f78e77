"""Networks of integers: programs of integer operations, their files, and an executor that needs NumPy alone."""
