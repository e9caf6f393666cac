"""The claims that the studies of this project can test, each with its study and its rule.

A claim has a source only if the publication is confirmed to make it; every other claim is a question of this
project.
"""

from __future__ import annotations

from analysis.claims.claim import Claim, Study
from analysis.claims.few_images import FewerParametersGeneralise, SeparableButWorse
from analysis.claims.label_growth import GrowsWithLabels, Growth
from analysis.claims.limits import MARGIN
from analysis.claims.networks import AsGoodAs, PublishedCounts, Rebuilt, RejectsAtMost, SmallerError
from analysis.claims.power_law import ForecastHits, PowerLaw
from analysis.claims.pruned import PrunesWithoutLoss
from analysis.claims.size_depth import SizeDepthRule
from analysis.claims.two_curves import EqualExponents, NoLargerAtEqualError, ReachesError
from analysis.claims.wider import WiderIsBetter

_POWER_LAW = "Meir et al. 2023, Sci. Rep. 13, 5423"
_TREE = "Meir et al. 2023, Sci. Rep. 13, 962"
_MNIST_TABLE = "Table of test errors on MNIST, yann.lecun.com/exdb/mnist"
_LENET1 = "LeCun et al. 1990, NIPS 2, 396"
_DAMAGE = "LeCun, Denker & Solla 1990, NIPS 2, 598"

_WITH_64_FILTERS = ("architectures[0].filters=[1,2,3,4,6,8,64]",)
_SIX_EPOCHS = Study("shallow_vs_deep_small.yaml")
_DEEP = "vgg, depth 11"
_THIRTY_EPOCHS = Study("shallow_vs_deep.yaml")
_ONE_DRAW = (
    "The intervals are those of the seeds on one draw of the images; other digits can change the verdict."
)

_LAWS = (
    Claim(
        name="power-law-cifar10",
        text="The error of LeNet on CIFAR-10 falls as a power law in its filters, after eight epochs.",
        source=_POWER_LAW,
        study=Study("forecast_cifar10.yaml", _WITH_64_FILTERS),
        rule=PowerLaw("lenet5"),
        remark="The publication has a fixed ratio d2/d1, as here. Its number of epochs is not confirmed.",
    ),
    Claim(
        name="power-law-cifar10-30-epochs",
        text="The error of LeNet on CIFAR-10 falls as a power law in its filters, after 30 epochs.",
        source=_POWER_LAW,
        study=_THIRTY_EPOCHS,
        rule=PowerLaw("lenet5"),
        remark="The publication has a fixed ratio d2/d1, as here. Its number of epochs is not confirmed.",
    ),
    Claim(
        name="power-law-mnist",
        text="The error of LeNet on MNIST falls as a power law in its filters, after eight epochs.",
        study=Study("forecast_mnist.yaml", _WITH_64_FILTERS),
        rule=PowerLaw("lenet5"),
    ),
    Claim(
        name="forecast-cifar10",
        text="The law of LeNets with 1 to 8 filters predicts the error with 64 filters, on CIFAR-10.",
        study=Study("forecast_cifar10.yaml"),
        rule=ForecastHits(),
    ),
    Claim(
        name="forecast-mnist",
        text="The law of LeNets with 1 to 8 filters predicts the error with 64 filters, on MNIST.",
        study=Study("forecast_mnist.yaml"),
        rule=ForecastHits(),
    ),
    Claim(
        name="similar-exponents",
        text="The errors of LeNet and VGG fall with similar exponents on CIFAR-10, after six epochs.",
        source=_POWER_LAW,
        study=_SIX_EPOCHS,
        rule=EqualExponents("lenet5", _DEEP),
        remark="The publication has VGG-16. Here: VGG of depth 11.",
    ),
    Claim(
        name="fewer-operations",
        text="LeNet needs fewer operations than VGG for the same error on CIFAR-10, after six epochs.",
        source=_POWER_LAW,
        study=_SIX_EPOCHS,
        rule=NoLargerAtEqualError("lenet5", _DEEP, "macs", margin=0.0),
        remark="The publication has VGG-16. Here: VGG of depth 11.",
    ),
    Claim(
        name="shallow-reaches-deep",
        text="With enough filters, LeNet reaches the error of a deep network on CIFAR-10, after six epochs.",
        source=_POWER_LAW,
        study=_SIX_EPOCHS,
        rule=ReachesError("lenet5", _DEEP),
        remark="Here: the lowest mean error of VGG of depth 11.",
    ),
)
_TREES = (
    *(
        Claim(
            name=f"tree-equal-{name}-{epochs}-epochs",
            text=(
                f"The tree with one convolution is as good as LeNet-5 on CIFAR-10, at equal {name}, after"
                f" {epochs} epochs."
            ),
            source=_TREE,
            study=study,
            rule=NoLargerAtEqualError("tree3", "lenet5", x, margin=MARGIN),
            remark=(
                f"The publication has LeNet-5 trained for 200 epochs. Here: {widths} filters, compared by the"
                f" sizes at equal error.{remark}"
            ),
        )
        for epochs, study, widths in (("six", _SIX_EPOCHS, "2 to 12"), ("30", _THIRTY_EPOCHS, "3 to 24"))
        for name, x, remark in (
            ("filters", "filters", " Filters of the tree are those of each colour."),
            ("parameters", "parameters", ""),
            ("operations", "macs", ""),
        )
    ),
    Claim(
        name="size-depth-rule",
        text="A constant sqrt(size of a map) x number of maps along the convolutions minimises the error.",
        source=_POWER_LAW,
        study=Study("ratio.yaml"),
        rule=SizeDepthRule("lenet5"),
        remark=(
            "The publication states that the rule does so asymptotically. Here: about 650,000 multiply-adds,"
            " six epochs."
        ),
    ),
)

_LENET_1 = Rebuilt("LeNet-1", "lenet1_modern.yaml")
_LENET_4 = Rebuilt("LeNet-4", "lenet4_modern.yaml")
_LENET_5 = Rebuilt("LeNet-5", "lenet5_1998_modern.yaml")
_SVM = Rebuilt("Support vector machine", "baselines_mnist.yaml")
_USPS_SVM = Rebuilt("Support vector machine on USPS", "baselines_usps.yaml")
_ZIP_CODES = Rebuilt("Zip-code network", "zipcode1989.yaml")
_DISTORTED = Rebuilt("Zip-code network, distorted images", "zipcode1989_distorted.yaml")


def _net(number: int, *, centred: bool = False) -> Rebuilt:
    study = "nets1989.yaml" if centred else "nets1989_positions.yaml"
    return Rebuilt(f"Net-{number}{', centred digits' if centred else ''}", study)


def _of(network: Rebuilt) -> Study:
    return Study(f"history/{network.study}")


_LABELS = tuple(
    Claim(
        name=f"labels-{depth}",
        text=(
            f"The error of a {depth} network grows with the number of labels K as {words}, on CIFAR-10, after"
            " four epochs."
        ),
        study=Study("labels.yaml", x="labels"),
        rule=GrowsWithLabels(network, growth),
        remark=(
            f"Here: {title}. More labels have more training images, 5,000 each. Chains share their images"
            " and all of the runs with 10 labels."
        ),
    )
    for depth, words, network, growth, title in (
        ("deep", "a power of K", "vgg", Growth.POWER, "VGG of depth 11 with 4 filters"),
        ("shallow", "log K", "tree3", Growth.LOGARITHM, "Tree-3 with 6 filters"),
    )
)

_HISTORY = (
    Claim(
        name="parameter-counts",
        text="The networks of 1988 to 1998 have the published numbers of parameters.",
        source="the publications of docs/history.md",
        study=Study("history"),
        rule=PublishedCounts(),
    ),
    Claim(
        name="lenet1-too-small",
        text="LeNet-1 is too small for MNIST: with twice the filters, its error is smaller.",
        study=Study("history/lenet1_widths.yaml"),
        rule=WiderIsBetter("lenet1", narrow=4, wide=8),
        remark="Four epochs.",
    ),
    Claim(
        name="lenet4-beats-lenet1",
        text="LeNet-4 has a smaller error than LeNet-1 on MNIST: 1.1 % against 1.7 %.",
        source=_MNIST_TABLE,
        study=_of(_LENET_4),
        rule=SmallerError(_LENET_4, _LENET_1),
        remark="With recipes of today.",
    ),
    Claim(
        name="lenet5-beats-lenet4",
        text="LeNet-5 has a smaller error than LeNet-4 on MNIST: 0.95 % against 1.1 %.",
        source=_MNIST_TABLE,
        study=_of(_LENET_5),
        rule=SmallerError(_LENET_5, _LENET_4),
        remark="With recipes of today.",
    ),
    *(
        Claim(
            name=f"single-layer-{name}",
            text=f"A single layer generalises worse than Net-5 from separable training images, {digits}.",
            study=_of(_net(1, centred=centred)),
            rule=SeparableButWorse(_net(1, centred=centred), _net(5, centred=centred)),
            remark=_ONE_DRAW,
        )
        for name, digits, centred in (
            ("positions", "at other positions", False),
            ("centred", "on centred digits", True),
        )
    ),
    *(
        Claim(
            name=f"fewer-parameters-{name}",
            text=(
                "At equal training error, networks with fewer free parameters generalise better,"
                f" {digits} (Net-1 to Net-5)."
            ),
            study=_of(_net(1, centred=centred)),
            rule=FewerParametersGeneralise(),
            remark=_ONE_DRAW,
        )
        for name, digits, centred in (
            ("positions", "at other positions", False),
            ("centred", "on centred digits", True),
        )
    ),
    Claim(
        name="shared-weights-shifts",
        text=(
            "Shared weights tolerate shifts: Net-4 has a smaller error than Net-3 on digits at other"
            " positions."
        ),
        study=_of(_net(4)),
        rule=SmallerError(_net(4), _net(3)),
        remark=_ONE_DRAW,
    ),
    Claim(
        name="svm-mnist",
        text="A support vector machine is as good as LeNet-4 on MNIST.",
        source=_MNIST_TABLE,
        study=_of(_SVM),
        rule=AsGoodAs(_SVM, _LENET_4),
        remark=(
            "The published machine with 1.1 % has a polynomial kernel and deskewed images; here, it is"
            " Gaussian."
        ),
    ),
    Claim(
        name="svm-usps",
        text="A support vector machine is as good as the zip-code network on USPS.",
        study=_of(_USPS_SVM),
        rule=AsGoodAs(_USPS_SVM, _ZIP_CODES),
    ),
    *(
        Claim(
            name=f"rejection-{name}",
            text=f"An error of 1 % on zip codes needs about 9 % rejected digits{recipe}.",
            source=_LENET1,
            study=_of(network),
            rule=RejectsAtMost(network, share=0.09, margin=0.02),
            remark="Published for LeNet-1 of 1990 and handwritten digits. Here: the network of 1989 on USPS.",
        )
        for name, recipe, network in (
            ("plain", "", _ZIP_CODES),
            ("distorted", ", with distorted training images", _DISTORTED),
        )
    ),
    Claim(
        name="optimal-brain-damage",
        text="Pruning by Optimal Brain Damage removes three quarters of the parameters without a loss.",
        source=_DAMAGE,
        study=Study("history/pruning_usps.yaml"),
        rule=PrunesWithoutLoss("saliency", left=0.27),
        remark=(
            "The publication goes from 10,000 to 2,600 parameters with an interactive use that also removes"
            " a layer. Here: the network of 1989 on USPS, six rounds."
        ),
    ),
)

CLAIMS: tuple[Claim, ...] = (*_LAWS, *_TREES, *_LABELS, *_HISTORY)
"""All claims, in the order of the ledger."""
