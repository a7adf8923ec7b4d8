"""Read DICOM files as 3D Slicer does: ``read_with_slicer.py OUTPUT.npz FILE...`` stores values and affine (RAS).

A process of its own, since Slicer brings VTK and an ITK that are not those of SimpleITK.
"""

import sys

import numpy as np
from slicer import vtkMRMLScalarVolumeNode, vtkMRMLVolumeArchetypeStorageNode
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkCommonMath import vtkMatrix4x4

output, *files = sys.argv[1:]
storage, volume, matrix = vtkMRMLVolumeArchetypeStorageNode(), vtkMRMLScalarVolumeNode(), vtkMatrix4x4()
storage.SetFileName(files[0])
storage.ResetFileNameList()
for file in files:
    storage.AddFileName(file)
storage.SetSingleFile(False)
if not storage.ReadData(volume):
    sys.exit(f"Slicer cannot read {files[0]}.")
volume.GetIJKToRASMatrix(matrix)
image = volume.GetImageData()
values = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(image.GetDimensions()[::-1]).T
affine = np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(4)])
np.savez(output, values=values, affine=affine)
