"""Locks, manifests, SBOMs and advisories: what a system holds, and since when.

The room knows no case: it takes files and windows and gives frames.
"""
