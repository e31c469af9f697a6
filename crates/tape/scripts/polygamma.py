#!/usr/bin/env python3
"""Print the values of polygamma that tests/elementary.rs stores."""

from mpmath import mp, mpf, psi, diff, cot, pi

mp.dps = 60


def polygamma(n, x):
    if x > 0:
        return psi(n, x)
    # psi_n(x) = (-1)^n psi_n(1 - x) - d^n/dx^n pi cot(pi x)
    return (-1) ** n * psi(n, 1 - x) - diff(lambda t: pi * cot(pi * t), x, n)


for n, x in [(2, 0.5), (2, 1.25), (2, 30.0), (2, -0.75), (2, -7.375), (3, 0.001), (3, 4.5), (3, -1.25),
             (4, 2.0), (4, -0.125), (5, 12.5), (5, -3.875), (8, 6.25), (8, -2.125), (12, 1.5), (20, 40.0)]:
    print("    (%d, %r, %s)," % (n, x, repr(float(polygamma(n, mpf(x))))))
