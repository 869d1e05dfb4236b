import os
import unittest

from django.test import TestCase

from tickets.queue import first


class QueueTests(TestCase):
    def test_the_most_urgent_comes_first(self):
        tickets = [{"number": 1, "urgency": 2}, {"number": 2, "urgency": 1}]
        self.assertEqual(first(tickets)["number"], 2)

    def test_nothing_comes_first_of_nothing(self):
        self.assertIsNone(first([]))

    def test_each_number(self):
        for number in range(3):
            with self.subTest(number=number):
                self.assertEqual(first([{"number": number, "urgency": 1}])["number"], number)

    def test_the_desk_is_open(self):
        self.assertEqual(os.environ["DESK"], "open")

    @unittest.skip("nobody knows yet")
    def test_what_is_unknown(self):
        self.fail()

    @unittest.expectedFailure
    def test_what_is_broken(self):
        self.fail()
