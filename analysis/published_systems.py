"""Published systems that recognise digits, 1988 to 1998, and the studies that rebuild them.

Sources: Denker et al., Neural network recognizer for hand-written zip code digits, NIPS 1, 323 (1988)
    LeCun, Generalization and network design strategies, in Connectionism in Perspective (1989)
    LeCun et al., Backpropagation applied to handwritten zip code recognition, Neural Comput. 1, 541 (1989)
    LeCun et al., Handwritten digit recognition with a back-propagation network, NIPS 2, 396 (1990)
    LeCun, Bottou, Bengio & Haffner, Gradient-based learning applied to document recognition,
    Proc. IEEE 86, 2278 (1998)
    the table of test errors on MNIST, yann.lecun.com/exdb/mnist

Set here: the year of a system is the year of the publication with its error. All errors of the table on
MNIST have the year 1998.
"""

from __future__ import annotations

from analysis.published_system import Era, PublishedSystem, Rebuild

MNIST = "MNIST, 60,000 and 10,000 images"
USPS = "USPS zip codes, 7,291 and 2,007 images"
_NETS_SOURCE = "LeCun 1989, Generalization and network design strategies"
_TABLE = "Table of test errors on MNIST, yann.lecun.com/exdb/mnist"
_PROC_IEEE = "LeCun et al. 1998, Proc. IEEE 86, 2278"
_FIRST_ORDER = (
    "Plain gradient descent, with an initial rate that pilot runs choose, in place of the diagonal"
    " second-order method."
)
_TODAY = (
    "Batches of 100, Nesterov momentum, a one-cycle schedule, and a rate that pilot runs choose, in as many"
    " passes as with the recipe of its time."
)
_CROSS_ENTROPY = "Cross entropy in place of the squared error."
_SQUARED_ERROR = "The loss, the squared distance to -1 and 1, is a choice of this project."
_NO_BASELINE_FIGURE = "A comparison of this project: no published figure is confirmed for this data set."


def _baselines(study: str, architecture: str, differences: str) -> tuple[Rebuild, ...]:
    return (Rebuild(study=study, architecture=architecture, era=Era.TODAY, differences=differences),)


_NETS_TODAY = (
    "Batches of 10, Nesterov momentum, a one-cycle schedule, and a rate that pilot runs choose. The squared"
    " error and targets of -1 and 1 are choices of this project. The intervals are those of the seeds on one"
    " draw of the images; other digits can change the order of the networks."
)
_NETS = {1: "2,570", 2: "3,214", 3: "1,226", 4: "1,132", 5: "1,060"}
"""Parameters of Net-1 to Net-5."""
_NETS_REMARK = (
    "The counts of the network are confirmed. Its published error is not, so none is given. A single layer"
    " can separate the 320 training images, as `scaling separable` shows; the networks differ in how they"
    " generalise."
)


def _net_1989(number: int, parameters: str) -> PublishedSystem:
    return PublishedSystem(
        name=f"Net-{number}",
        year=1989,
        data="digits of 16x16 pixels",
        source=_NETS_SOURCE,
        parameters=parameters,
        ranking="Net-1 to Net-5",
        remark=_NETS_REMARK,
        rebuilds=_baselines(
            "nets1989_positions.yaml",
            f"net{number}_1989",
            "Binary USPS digits, each at four horizontal positions, in place of the original images; most"
            f" test images show a training digit at another position. {_NETS_TODAY}",
        ),
    )


def _centred_net_1989(number: int, parameters: str) -> PublishedSystem:
    return PublishedSystem(
        name=f"Net-{number}, centred digits",
        year=None,
        data="digits of 16x16 pixels",
        source=_NETS_SOURCE,
        parameters=parameters,
        ranking="Net-1 to Net-5, centred digits",
        remark=_NETS_REMARK,
        rebuilds=_baselines(
            "nets1989.yaml",
            f"net{number}_1989",
            "Centred USPS digits in grey in place of the original images: weights that every position shares"
            f" have no shifts to cope with. {_NETS_TODAY}",
        ),
    )


_BEFORE_MNIST = (
    PublishedSystem(
        name="Hybrid of 1988",
        year=1988,
        data="USPS zip codes, about 10,000 digits",
        source="Denker et al. 1988, NIPS 1, 323",
        percent="6",
        rounded=True,
        rejected="14",
        remark=(
            "Its 18 maps come from 49 hand-designed templates, and only the last two layers are trained."
            " Which of the paper's digits are test images is not confirmed."
        ),
        rebuilds=(
            Rebuild(
                study="hybrid1988.yaml",
                architecture="hybrid1988",
                era=Era.TODAY,
                differences=(
                    "The templates are designed anew, and skeletons come from scikit-image. Cross entropy in"
                    " place of the paper's objective function, batches of 100, Nesterov momentum, a one-cycle"
                    " schedule, and a rate that pilot runs choose."
                ),
            ),
        ),
    ),
    PublishedSystem(
        name="Zip-code network",
        year=1989,
        data=USPS,
        source="LeCun et al. 1989, Neural Comput. 1, 541",
        percent="5.0",
        parameters="9,760",
        rejected="",
        remark=(
            "USPS has as many training and test images as the paper. The paper does not say which maps a map"
            " of H2 reads, so the wiring is a choice of this project."
        ),
        rebuilds=(
            Rebuild(
                study="zipcode1989.yaml",
                architecture="zipcode1989",
                era=Era.PUBLISHED,
                differences=(
                    "The initial weights are the paper's, within 2.4 over the fan-in. Plain gradient descent,"
                    " with a constant rate that pilot runs choose, in place of the diagonal second-order"
                    " method. The order of the images is new in each pass; in the paper it is fixed. The"
                    " published error is not reached; which of these differences is the cause is not known."
                ),
            ),
            Rebuild(
                study="zipcode1989_modern.yaml",
                architecture="zipcode1989",
                era=Era.TODAY,
                differences=f"{_TODAY} {_CROSS_ENTROPY}",
            ),
        ),
    ),
    PublishedSystem(
        name="Zip-code network, distorted images",
        year=1989,
        data=USPS,
        source="LeCun et al. 1989, Neural Comput. 1, 541",
        parameters="9,760",
        rejected="",
        remark=(
            "The network was not published with distorted images; without them, its error is 5.0 %. The"
            " distortions are those that LeNet-5 was trained with in 1998, in ranges that this project chose."
        ),
        rebuilds=(
            Rebuild(
                study="zipcode1989_distorted.yaml",
                architecture="zipcode1989",
                era=Era.LATER,
                differences=(
                    "Every image is distorted anew in each pass, and the rate falls in steps as that of"
                    " LeNet-5 did. The initial weights are those of 1989. Plain gradient descent, with an"
                    " initial rate that pilot runs choose, in place of the diagonal second-order method. The"
                    " order of the images is new in each pass; in the paper it is fixed."
                ),
            ),
        ),
    ),
    *(_net_1989(number, parameters) for number, parameters in _NETS.items()),
    PublishedSystem(
        name="LeNet-1 of 1990",
        year=1990,
        data="zip codes and printed digits, 9,840 and 2,707 images",
        source="LeCun et al. 1990, NIPS 2, 396",
        percent="3.4",
        parameters="2,578",
        rejected="9",
        remark=(
            "A quarter of the test images are printed digits, which this project does not have. The network"
            " is compared on MNIST instead. The rejection is that of the handwritten digits alone."
        ),
    ),
)
"""Systems that were published before MNIST."""

_ON_MNIST = (
    PublishedSystem(
        name="Linear classifier",
        year=1998,
        ranking="MNIST",
        data=MNIST,
        source=_TABLE,
        percent="12.0",
        rebuilds=_baselines(
            "baselines_mnist.yaml",
            "linear_classifier",
            "Logistic regression, fitted to convergence with a penalty that is chosen on held-out training"
            " images. The table does not state the loss of the published classifier; what explains the"
            " difference is not known.",
        ),
    ),
    PublishedSystem(
        name="3 nearest neighbours",
        year=1998,
        ranking="MNIST",
        data=MNIST,
        source=_TABLE,
        percent="5.0",
        rebuilds=_baselines(
            "baselines_mnist.yaml",
            "knn",
            "The first class wins a tie of votes; the table does not state its rule. Ties cannot explain two"
            " percentage points, and what does is not known.",
        ),
    ),
    PublishedSystem(
        name="Support vector machine",
        year=1998,
        ranking="MNIST",
        data=MNIST,
        source=_TABLE,
        percent="1.4",
        remark="Both kernels are Gaussian.",
        rebuilds=_baselines(
            "baselines_mnist.yaml",
            "svm",
            "The table gives neither the width of the kernel nor the penalty. They are chosen on held-out"
            " training images, after a fit to 8,000 others.",
        ),
    ),
    PublishedSystem(
        name="LeNet-1",
        year=1998,
        ranking="MNIST",
        data=MNIST,
        source=_TABLE,
        percent="1.7",
        parameters="2,578",
        remark=(
            "The published error is for digits that are reduced to 16x16 pixels. Here, the digits have the"
            " 20x20 pixels of MNIST."
        ),
        rebuilds=(
            Rebuild(
                study="lenet1.yaml",
                architecture="lenet1",
                era=Era.PUBLISHED,
                differences=f"{_FIRST_ORDER} 20 passes with the steps of the rate of LeNet-5.",
            ),
            Rebuild(
                study="lenet1_modern.yaml",
                architecture="lenet1",
                era=Era.TODAY,
                differences=f"{_TODAY} {_CROSS_ENTROPY}",
            ),
        ),
    ),
    PublishedSystem(
        name="LeNet-4",
        year=1998,
        ranking="MNIST",
        data=MNIST,
        source=_TABLE,
        percent="1.1",
        parameters="about 17,000",
        remark=(
            "The paper gives totals but no connection tables; the wiring is a choice of this project that"
            " meets the totals."
        ),
        rebuilds=(
            Rebuild(
                study="lenet4.yaml",
                architecture="lenet4",
                era=Era.PUBLISHED,
                differences=f"{_FIRST_ORDER} {_SQUARED_ERROR}",
            ),
            Rebuild(
                study="lenet4_modern.yaml",
                architecture="lenet4",
                era=Era.TODAY,
                differences=f"{_TODAY} {_CROSS_ENTROPY}",
            ),
        ),
    ),
    PublishedSystem(
        name="LeNet-5",
        year=1998,
        ranking="MNIST",
        data=MNIST,
        source=_PROC_IEEE,
        percent="0.95",
        parameters="60,000",
        remark=(
            "The codes of the outputs, bitmaps of 7x12 pixels, are drawn by this project. The loss is the"
            " paper's discriminative criterion without its constant j."
        ),
        rebuilds=(
            Rebuild(
                study="lenet5_1998.yaml",
                architecture="lenet5_1998",
                era=Era.PUBLISHED,
                differences=_FIRST_ORDER,
            ),
            Rebuild(
                study="lenet5_1998_modern.yaml",
                architecture="lenet5_1998",
                era=Era.TODAY,
                differences=_TODAY,
            ),
        ),
    ),
    PublishedSystem(
        name="LeNet-5, distorted images",
        year=1998,
        ranking="MNIST",
        data=MNIST,
        source=_PROC_IEEE,
        percent="0.8",
        parameters="60,000",
        remark=(
            "The paper adds 540,000 distorted images to the 60,000 originals and gives no ranges of the"
            " distortions. Here, every image is distorted anew in each pass, in ranges that this project"
            " chose. Codes and loss are those of LeNet-5 above."
        ),
        rebuilds=(
            Rebuild(
                study="lenet5_1998_distorted.yaml",
                architecture="lenet5_1998",
                era=Era.PUBLISHED,
                differences=_FIRST_ORDER,
            ),
            Rebuild(
                study="lenet5_1998_distorted_modern.yaml",
                architecture="lenet5_1998",
                era=Era.TODAY,
                differences=(
                    "Batches of 100, Nesterov momentum, a one-cycle schedule, and the rate that pilot"
                    " runs choose without distortions, in as many passes as with the recipe of its time."
                ),
            ),
        ),
    ),
)
"""Systems whose errors are published for MNIST."""

_COMPARISONS = (
    PublishedSystem(
        name="Hybrid of 1988 on raw pixels",
        year=None,
        data="USPS zip codes, about 10,000 digits",
        source="Denker et al. 1988, NIPS 1, 323",
        remark="The paper says that raw bitmaps give at least five times the error of the features.",
        rebuilds=_baselines(
            "hybrid1988_pixels.yaml",
            "hybrid1988",
            "Grey levels, where the paper has bits. The last two layers are trained as those of the"
            " hybrid. The error is far below five times that of the features; the cause is not known.",
        ),
    ),
    *(_centred_net_1989(number, parameters) for number, parameters in _NETS.items()),
    *(
        PublishedSystem(
            name=name,
            year=None,
            data=USPS,
            remark=_NO_BASELINE_FIGURE,
            rebuilds=_baselines(
                "baselines_usps.yaml", architecture, "Its settings are chosen on held-out training images."
            ),
        )
        for name, architecture in (
            ("Linear classifier on USPS", "linear_classifier"),
            ("Nearest neighbour on USPS", "knn"),
            ("Support vector machine on USPS", "svm"),
        )
    ),
)
"""Networks beside the published systems, without a published figure for their data."""

PUBLISHED_SYSTEMS = (*_BEFORE_MNIST, *_ON_MNIST, *_COMPARISONS)
"""All systems, in the order of the table."""
